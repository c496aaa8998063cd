"""How well documents are found: nDCG@10 of attached files, by words, by meaning and by both.

Cranfield is not part of the project; where it lies is an argument. Without it the check is one of
our own: the sentences that functions of Python's standard library begin their docstrings with are
the questions, and what else the docstrings of their modules say are the documents.

A place for a collection holds either of these:

- the classic files: `cran.all.1400` (or `*.all*`), `cran.qry` and `cranqrel`, as SMART or TREC
  write judgements; questions are counted from 1 in their order, as `cranqrel` counts them;
- `*.txt`, one document each, `queries.tsv` (id, question) and `qrels.tsv` (id of a question, name
  of a document without `.txt`, grade; or TREC's four columns).

Gain is binary: a document judged 1 or more is relevant, one judged 0 or -1 is not. The two forms of
`cranqrel` in circulation count their grades in opposite directions, so that grades would compare
nothing.
"""

from __future__ import annotations

import ast
import math
import random
import re
import shutil
import statistics
import sysconfig
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lettafs.index.ranking.stop import STOP_WORDS
from lettafs.sdk.agent import Agent
from lettafs.sdk.open import create_agent
from tests.bench.table import Table
from tests.support.file_tools import ask_home

__all__ = ["Collection", "Question", "collection_in", "documents_tables", "standard_library"]

_DEPTH = 10
_FOLDER = "documents"
_RESULT = re.compile(rf"^=== {_FOLDER}/", re.MULTILINE)
_NAMED = re.compile(rf"^(?:=== |\(the same as ){_FOLDER}/.*$", re.MULTILINE)
"""Lines of the tool's answer that name files."""
_NAME = re.compile(rf"{_FOLDER}/([^ ,)]+)")
_QUESTIONS = 300
_LEAST_CHARS = 80
"""What a docstring must say behind its first sentence to be asked for."""

Search = Callable[[str], list[str]]
"""From a question to the names of documents, best first, each once."""


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    relevant: frozenset[str]
    """Names of documents."""


@dataclass(frozen=True, slots=True)
class Collection:
    name: str
    documents: Mapping[str, str]
    questions: tuple[Question, ...]


def documents_tables(scratch: Path, *, collection: Path | None = None, quick: bool) -> list[Table]:
    """Return a table for the collection, where there is one, and one for our own check."""
    found = [] if collection is None else [collection_in(collection)]
    found.append(standard_library(questions=_QUESTIONS // 6 if quick else _QUESTIONS))
    return [_table(scratch / str(number), each) for number, each in enumerate(found)]


def _table(scratch: Path, collection: Collection) -> Table:
    shutil.rmtree(scratch, ignore_errors=True)
    folder = scratch / "documents"
    folder.mkdir(parents=True)
    for name, text in collection.documents.items():
        (folder / name).write_text(text, encoding="utf-8")
    product = Product(scratch, folder)
    rows: list[tuple[str, Search]] = [
        ("search_file, by words", lambda asked: product.search(asked, meaning=False)),
        ("search_file, by words and meaning", lambda asked: product.search(asked, meaning=True)),
        ("Whoosh BM25, stemmed, any word", _by_whoosh(collection)),
    ]
    lengths = [len(text) for text in collection.documents.values()]
    note = (
        f"{len(lengths)} documents of {statistics.median(lengths):.0f} characters (the longest "
        f"{max(lengths)}), {len(collection.questions)} questions; binary gain."
    )
    return Table(
        f"Documents found: {collection.name}",
        ("search", "nDCG@10", "first", "among 10"),
        tuple((about, *_scores(collection, search)) for about, search in rows),
        note=note,
    )


def _scores(collection: Collection, search: Search) -> tuple[str, ...]:
    gains, firsts, parts = [], [], []
    for question in collection.questions:
        found = search(question.text)[:_DEPTH]
        gains.append(ndcg(found, question.relevant))
        firsts.append(bool(found) and found[0] in question.relevant)
        parts.append(len(question.relevant.intersection(found)) / len(question.relevant))
    return tuple(f"{100 * statistics.mean(values):.1f}" for values in (gains, firsts, parts))


def ndcg(found: Sequence[str], relevant: frozenset[str]) -> float:
    gain = sum(1 / math.log2(at + 2) for at, each in enumerate(found[:_DEPTH]) if each in relevant)
    return gain / sum(1 / math.log2(at + 2) for at in range(min(_DEPTH, len(relevant))))


class Product:
    """Two agents with the documents attached, one of them without vectors, and their own tool."""

    def __init__(self, scratch: Path, folder: Path) -> None:
        self._agents: dict[bool, Agent] = {}
        for meaning, embedding in ((False, "none"), (True, None)):
            agent = create_agent(scratch / f"agent-{meaning}", embedding=embedding)
            agent.attach(folder, name=_FOLDER)
            agent._home.files.catch_up_vectors()
            self._agents[meaning] = agent

    def search(self, question: str, *, meaning: bool) -> list[str]:
        """Return names as the first ten results have them, and the next ten, until ten files."""
        found: dict[str, None] = {}
        for page in range(5):
            answer = ask_home(
                self._agents[meaning], "search_file", query=question, limit=_DEPTH, page=page
            )
            names = [name for line in _NAMED.findall(answer) for name in _NAME.findall(line)]
            found.update(dict.fromkeys(names))
            if len(found) >= _DEPTH or len(_RESULT.findall(answer)) < _DEPTH:
                break
        return list(found)


def _by_whoosh(collection: Collection) -> Search:
    from whoosh import fields, query, scoring
    from whoosh.analysis import StemmingAnalyzer
    from whoosh.filedb.filestore import RamStorage

    analyzer = StemmingAnalyzer()
    schema = fields.Schema(id=fields.STORED, text=fields.TEXT(analyzer=analyzer))
    index = RamStorage().create_index(schema)
    writer = index.writer()
    for name, text in collection.documents.items():
        writer.add_document(id=name, text=text)
    writer.commit()
    searcher = index.searcher(weighting=scoring.BM25F())

    def search(question: str) -> list[str]:
        words = re.findall(r"\w+", question.lower())
        asked = " ".join(word for word in words if word not in STOP_WORDS) or question
        terms = query.Or([query.Term("text", token.text) for token in analyzer(asked)])
        return [hit["id"] for hit in searcher.search(terms, limit=_DEPTH)]

    return search


def collection_in(place: Path) -> Collection:
    """Return the collection that lies in a directory.

    Raises:
        FileNotFoundError: it holds neither form.
    """
    if (place / "queries.tsv").is_file():
        documents = {
            path.name: path.read_text(encoding="utf-8") for path in sorted(place.glob("*.txt"))
        }
        questions = dict(_columns(place / "queries.tsv"))
        return _judged(place.name, documents, questions, place / "qrels.tsv")
    every = next(iter(sorted(place.glob("*.all*"))), place / "cran.all.1400")
    documents = {
        f"{number}.txt": _titled(item.get("T", ""), item.get("W", ""))
        for number, item in _smart(every)
    }
    asked = _smart(next(iter(sorted(place.glob("*.qry"))), place / "cran.qry"))
    questions = {str(at): item["W"] for at, (_, item) in enumerate(asked, 1)}
    return _judged("Cranfield", documents, questions, place / "cranqrel")


def _titled(title: str, text: str) -> str:
    # Cranfield's texts begin with their titles, other collections' do not.
    is_told = " ".join(text.split()).startswith(" ".join(title.split()))
    return text if is_told else f"{title}\n\n{text}"


def _judged(
    name: str, documents: Mapping[str, str], questions: Mapping[str, str], judgements: Path
) -> Collection:
    relevant: defaultdict[str, set[str]] = defaultdict(set)
    for line in judgements.read_text(encoding="latin-1").splitlines():
        columns = line.split()
        if len(columns) == 4:  # TREC's second column says nothing
            del columns[1]
        if len(columns) == 3 and columns[2].lstrip("-").isdigit() and int(columns[2]) >= 1:
            document = f"{columns[1].removesuffix('.txt')}.txt"
            if document in documents:
                relevant[columns[0]].add(document)
    return Collection(
        name,
        documents,
        tuple(
            Question(" ".join(text.split()), frozenset(relevant[number]))
            for number, text in questions.items()
            if relevant[number]
        ),
    )


def _columns(path: Path) -> Iterator[tuple[str, str]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        number, _, text = line.partition("\t")
        if text:
            yield number.strip(), text


def _smart(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield number and sections of each item of a file in SMART's form."""
    text = path.read_text(encoding="latin-1")
    for item in re.split(r"^\.I[ \t]+", text, flags=re.MULTILINE)[1:]:
        number, _, rest = item.partition("\n")
        parts = re.split(r"^\.([A-Z])[ \t]*$", rest, flags=re.MULTILINE)
        yield (
            int(number),
            {section: said.strip() for section, said in zip(parts[1::2], parts[2::2], strict=True)},
        )


def standard_library(*, questions: int) -> Collection:
    """Return what the docstrings of the standard library say, and questions they answer.

    A module is a document of its functions' docstrings without their first sentences; these are
    what is asked for. Documents are numbered, so that a name tells nothing.
    """
    place = Path(sysconfig.get_path("stdlib"))
    documents: dict[str, str] = {}
    asked: list[Question] = []
    for path in sorted(place.rglob("*.py")):
        if {"site-packages", "test", "tests", "idlelib"}.intersection(path.parts):
            continue
        said = [_divided(text) for text in _docstrings(path)]
        rests = [rest for _, rest in said if rest]
        if sum(map(len, rests)) < _LEAST_CHARS:
            continue
        name = f"{len(documents) + 1}.txt"
        documents[name] = "\n\n".join(rests) + "\n"
        asked += [
            Question(first, frozenset([name]))
            for first, rest in said
            if len(rest) >= _LEAST_CHARS and len(first.split()) >= 4
        ]
    chosen = random.Random(1).sample(asked, min(questions, len(asked)))
    return Collection("docstrings of the standard library", documents, tuple(chosen))


def _docstrings(path: Path) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            text = ast.get_docstring(node)
            if text:
                yield text


def _divided(text: str) -> tuple[str, str]:
    """Return the first sentence of a docstring, and the rest."""
    first, _, rest = text.partition("\n\n")
    end = re.search(r"\.\s", first)
    if end is not None:
        first, rest = first[: end.start()], f"{first[end.end() :]}\n\n{rest}"
    return " ".join(first.split()), rest.strip()
