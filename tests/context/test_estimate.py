"""The estimate: how close it comes for each kind of text, without any table."""

from __future__ import annotations

import base64
import json
import random
import string
import uuid
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lettafs.context.encodings.shipped import load
from lettafs.context.estimate import estimate

ROOT = Path(__file__).resolve().parents[2]

PROSE = """\
When Ada came home in the evening the letter was still lying on the kitchen table, where she had
left it in the morning, unopened. She made herself a cup of tea, sat down by the window and
looked at the garden for a while. It had rained all day, and the apple trees stood there black
and shining; the neighbour's cat was walking along the wall as if nobody had ever told it that
cats don't like water. She knew the handwriting, of course. Nobody else she had ever met made an
A that looked so much like a tent. They hadn't spoken for eleven years, not since the summer in
which the old house was sold, and she had often wondered which of the two of them would be the
first to give in. Now it seemed that it wasn't her, and she was surprised at how little that
meant to her.

"You're going to read it anyway," she said aloud, to the cat or to herself. "So you might as
well do it now, while there is some light left." The envelope was thick and a bit damp. There
were three sheets of paper in it, written on both sides, and a photograph of two girls on a
beach, squinting into the sun.
"""

LANGUAGES = {
    "Arabic": (
        "عندما عادت آدا إلى البيت في المساء كانت الرسالة لا تزال على طاولة المطبخ حيث تركتها "
        "في الصباح. أعدت لنفسها كوبا من الشاي وجلست بجانب النافذة ونظرت إلى الحديقة بعض "
        "الوقت."
    ),
    "Chinese": (
        "艾达晚上回到家的时候，那封信还放在厨房的桌子上，和她早上离开时一样，没有打开过。"
        "她给自己泡了一杯茶，坐在窗边，看了一会儿花园。雨下了一整天，苹果树又黑又亮地立在"
        "那里。"
    ),
    "Czech": (
        "Když se Ada večer vrátila domů, ležel dopis stále na kuchyňském stole, kde ho ráno "
        "nechala neotevřený. Uvařila si šálek čaje, posadila se k oknu a chvíli se dívala do "
        "zahrady. Celý den pršelo."
    ),
    "Finnish": (
        "Kun Ada tuli illalla kotiin, kirje oli yhä keittiön pöydällä, mihin hän oli sen "
        "aamulla avaamattomana jättänyt. Hän keitti itselleen kupin teetä, istuutui ikkunan "
        "ääreen ja katseli puutarhaa."
    ),
    "French": (
        "Quand Ada rentra le soir à la maison, la lettre était toujours sur la table de la "
        "cuisine, là où elle l'avait laissée le matin, sans l'ouvrir. Elle se prépara une "
        "tasse de thé et s'assit près de la fenêtre."
    ),
    "German": (
        "Als Ada am Abend nach Hause kam, lag der Brief noch immer auf dem Küchentisch, wo "
        "sie ihn am Morgen ungeöffnet zurückgelassen hatte. Sie machte sich eine Tasse Tee, "
        "setzte sich ans Fenster und betrachtete den Garten."
    ),
    "Greek": (
        "Όταν η Άντα γύρισε το βράδυ στο σπίτι, το γράμμα βρισκόταν ακόμα στο τραπέζι της "
        "κουζίνας, εκεί που το είχε αφήσει το πρωί κλειστό. Έφτιαξε ένα φλιτζάνι τσάι και "
        "κάθισε δίπλα στο παράθυρο."
    ),
    "Hebrew": (
        "כשעדה חזרה הביתה בערב, המכתב עדיין היה מונח על שולחן המטבח, במקום שבו השאירה אותו "
        "בבוקר בלי לפתוח. היא הכינה לעצמה כוס תה, התיישבה ליד החלון והביטה זמן מה בגינה."
    ),
    "Hindi": (
        "जब आदा शाम को घर लौटी तो चिट्ठी अब भी रसोई की मेज़ पर पड़ी थी, जहाँ उसने सुबह उसे "
        "बिना खोले छोड़ दिया था। उसने अपने लिए एक प्याली चाय बनाई, खिड़की के पास बैठी और कुछ "
        "देर बगीचे को देखती रही।"
    ),
    "Japanese": (
        "夕方アーダが家に帰ると、手紙はまだ台所のテーブルの上に、朝彼女が置いたまま、開けられ"
        "ずにあった。彼女はお茶を一杯いれて窓のそばに座り、しばらく庭を眺めていた。一日中雨が"
        "降っていた。"
    ),
    "Korean": (
        "저녁에 아다가 집에 돌아왔을 때 편지는 아침에 두고 간 그대로 뜯지 않은 채 부엌 식탁 "
        "위에 놓여 있었다. 그녀는 차를 한 잔 끓여 창가에 앉아 한동안 정원을 바라보았다. 하루 "
        "종일 비가 내렸다."
    ),
    "Polish": (
        "Kiedy Ada wróciła wieczorem do domu, list wciąż leżał na kuchennym stole, tam gdzie "
        "zostawiła go rano, nieotwarty. Zrobiła sobie filiżankę herbaty, usiadła przy oknie "
        "i przez chwilę patrzyła na ogród."
    ),
    "Russian": (
        "Когда Ада вечером вернулась домой, письмо всё ещё лежало на кухонном столе, там, "
        "где она утром оставила его нераспечатанным. Она заварила себе чашку чая, села у "
        "окна и некоторое время смотрела на сад."
    ),
    "Spanish": (
        "Cuando Ada volvió a casa por la tarde, la carta seguía sobre la mesa de la cocina, "
        "donde la había dejado por la mañana sin abrir. Se preparó una taza de té, se sentó "
        "junto a la ventana y miró el jardín."
    ),
    "Thai": (
        "เมื่อเอดากลับถึงบ้านในตอนเย็น จดหมายยังคงวางอยู่บนโต๊ะในครัว ตรงที่เธอวางทิ้งไว้เมื่"
        "อเช้าโดยไม่ได้เปิดอ่าน เธอชงชาให้ตัวเองหนึ่งถ้วย นั่งลงริมหน้าต่าง และมองดูสวนอยู่คร"
        "ู่หนึ่ง"
    ),
    "Turkish": (
        "Ada akşam eve döndüğünde mektup hâlâ sabah açmadan bıraktığı yerde, mutfak "
        "masasının üzerinde duruyordu. Kendine bir fincan çay yaptı, pencerenin yanına "
        "oturdu ve bir süre bahçeye baktı."
    ),
    "Vietnamese": (
        "Khi Ada về nhà vào buổi tối, bức thư vẫn nằm trên bàn bếp, nơi cô đã để lại vào "
        "buổi sáng mà chưa mở. Cô pha cho mình một tách trà, ngồi xuống bên cửa sổ và ngắm "
        "khu vườn một lúc."
    ),
}

EMOJI = "😀😂🥰😎🤔👍🙏🎉🔥✨❤️💯🚀🌍🐍🍣👍🏽🤷☕️✅⚠️📌🫠🪿🇩🇪🇯🇵🏳️‍🌈👨‍👩‍👧‍👦🧑🏿‍🚀"


def kinds() -> dict[str, str]:
    """Return text of every kind that bytes or words are a bad measure of."""
    dice = random.Random(11)
    ids = [str(uuid.UUID(int=dice.getrandbits(128))) for _ in range(120)]
    rows = [
        {"id": one, "role": "user", "at": f"2026-03-01T09:{n % 60:02}:00+00:00", "text": PROSE[:90]}
        for n, one in enumerate(ids)
    ]
    points = [{"lat": dice.uniform(-90, 90), "ok": True, "n": dice.randrange(1000)} for _ in ids]
    letters = string.ascii_letters
    return {
        "base64": base64.b64encode(dice.randbytes(4000)).decode(),
        "base64 in lines": base64.encodebytes(dice.randbytes(4000)).decode(),
        "base64 in JSON": json.dumps(
            {"type": "image", "data": base64.b64encode(dice.randbytes(3000)).decode()}
        ),
        "base64url": base64.urlsafe_b64encode(dice.randbytes(4000)).decode(),
        "base32": base64.b32encode(dice.randbytes(4000)).decode(),
        "hex": dice.randbytes(2000).hex(),
        "HEX": dice.randbytes(2000).hex().upper(),
        "hex dump": "\n".join(f"{n * 16:08x}: {dice.randbytes(16).hex(' ', 2)}" for n in range(90)),
        "hashes": "\n".join(f"{dice.randbytes(32).hex()}  file{n}.txt" for n in range(50)),
        "ids": "\n".join(ids),
        "table of ids": "\n".join(f"| {one} | {n} | open |" for n, one in enumerate(ids)),
        "digits": "".join(dice.choices(string.digits, k=4000)),
        "numbers": "\n".join(
            " ".join(f"{dice.gauss(0, 100):.6f}" for _ in range(8)) for _ in range(60)
        ),
        "letters unspaced": "".join(dice.choices(letters, k=4000)),
        "small letters unspaced": "".join(dice.choices(string.ascii_lowercase, k=4000)),
        "capitals unspaced": "".join(dice.choices(string.ascii_uppercase, k=4000)),
        "prose unspaced": "".join(PROSE.split()),
        "capital prose": PROSE.upper(),
        "one letter": "x" * 4000,
        "spaces": " " * 4000,
        "line feeds": "\n" * 4000,
        "indented": "\n".join(" " * (n % 9) * 4 + "pass" for n in range(300)),
        "CRLF": PROSE.replace("\n", "\r\n"),
        "JSON": json.dumps(points),
        "JSON without spaces": json.dumps(points, separators=(",", ":")),
        "JSON lines": "\n".join(json.dumps(row) for row in rows),
        "JSON in JSON": json.dumps(json.dumps(json.dumps(rows[:20]))),
        "emoji": "".join(dice.choices(EMOJI, k=2000)),
        "emoji in sequences": " ".join(dice.choices(["👨‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇩🇪", "❤️"], k=500)),
        "frames": "┌──────┬──────┐\n│ name │ size │\n└──────┴──────┘\n" * 40,
        "arrows": "".join(chr(dice.randrange(0x2190, 0x2300)) for _ in range(1000)),
        "hieroglyphs": "".join(chr(dice.randrange(0x13000, 0x13400)) for _ in range(1000)),
        "code": (ROOT / "lettafs/loop/run.py").read_text(encoding="utf-8"),
        "markdown": (ROOT / "docs/format.md").read_text(encoding="utf-8"),
    }


KINDS = kinds() | LANGUAGES | {"English": PROSE}


def tokens(text: str, name: str = "o200k_base") -> int:
    encoding = load(name)
    assert encoding is not None
    return len(encoding.encode_ordinary(text))


@pytest.mark.parametrize("kind", KINDS)
def test_estimate_is_never_a_tenth_below_the_truth(kind: str) -> None:
    text = KINDS[kind]

    assert estimate(text) >= 0.9 * tokens(text)


@pytest.mark.parametrize("kind", KINDS)
def test_estimate_is_not_half_the_truth_for_a_smaller_vocabulary(kind: str) -> None:
    text = KINDS[kind]

    assert estimate(text) >= 0.55 * tokens(text, "cl100k_base")


@pytest.mark.parametrize("kind", KINDS)
def test_estimate_for_the_smaller_vocabulary_is_never_a_tenth_below_it(kind: str) -> None:
    text = KINDS[kind]

    assert estimate(text, prices="cl100k") >= 0.9 * tokens(text, "cl100k_base")


@pytest.mark.parametrize("kind", LANGUAGES)
def test_estimate_for_the_smaller_vocabulary_is_of_use_in_every_language(kind: str) -> None:
    text = LANGUAGES[kind]

    assert estimate(text, prices="cl100k") <= 1.6 * tokens(text, "cl100k_base")


def test_estimate_of_english_prose_is_at_most_a_third_too_high() -> None:
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")

    for text in (PROSE, licence):
        assert tokens(text) <= estimate(text) <= 1.35 * tokens(text)


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"one letter", "spaces", "prose unspaced"}))
def test_estimate_is_of_use_for_every_kind(kind: str) -> None:
    text = KINDS[kind]

    assert estimate(text) <= 2.3 * tokens(text)


def test_pieces_of_a_text_cost_about_what_it_costs() -> None:
    halves = PROSE[:700], PROSE[700:]

    assert abs(sum(map(estimate, halves)) - estimate(PROSE)) <= 2


def test_nothing_costs_nothing_and_anything_something() -> None:
    assert estimate("") == 0
    assert estimate("a") == 1
    assert estimate("\n") == 1
    assert estimate("\0") >= 0


@settings(deadline=None)
@given(st.text(st.characters(), max_size=200))
def test_any_text_has_an_estimate(text: str) -> None:
    found = estimate(text)

    # Half of a surrogate pair is sent as U+FFFD.
    truth = tokens(text)
    assert 0 <= found <= 4 * len(text) + 4
    assert found >= 0.4 * truth - 4


@settings(deadline=None)
@given(st.text("Ab1 \n\t-_=+/", max_size=300))
def test_estimate_of_any_mixture_of_signs_and_letters_is_no_half(text: str) -> None:
    assert estimate(text) >= 0.6 * tokens(text) - 2
