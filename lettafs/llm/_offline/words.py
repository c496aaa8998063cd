"""Word lists of the offline model: what is no name, what makes a lasting trait, what is a relation.

Lists, not statistics: a word that is missing here costs one fact not written down, never a wrong
one. They are English.
"""

from __future__ import annotations

__all__ = [
    "MANNERS",
    "NAME_PARTICLES",
    "NATIONALITIES",
    "NOT_NAMES",
    "NOT_TRAITS",
    "POSSESSIONS",
    "RELATIONS",
    "STYLE_VERBS",
    "TRAITS",
    "VAGUE_OBJECTS",
]

NATIONALITIES = frozenset(
    "afghan african albanian algerian american arab argentinian armenian asian australian austrian "
    "bangladeshi belgian bolivian bosnian brazilian british bulgarian cambodian canadian catalan "
    "chilean chinese colombian croatian cuban czech danish dutch egyptian english estonian "
    "ethiopian european filipino finnish french georgian german ghanaian greek hungarian "
    "icelandic indian indonesian iranian iraqi irish israeli italian jamaican japanese jordanian "
    "kenyan korean kurdish latvian lebanese lithuanian malaysian maltese mexican "
    "moldovan mongolian "
    "moroccan nepali nigerian norwegian pakistani palestinian persian peruvian polish portuguese "
    "romanian russian saudi scottish senegalese serbian singaporean slovak slovenian "
    "somali spanish "
    "sudanese swedish swiss syrian taiwanese thai tunisian turkish ugandan ukrainian uruguayan "
    "venezuelan vietnamese welsh yemeni buddhist catholic hindu jewish lutheran mormon "
    "muslim orthodox protestant sikh".split()
)
"""Capitalised words that say where somebody belongs, so "I'm German" is no name."""

TRAITS = (
    frozenset(
        "vegan vegetarian pescatarian married single divorced widowed engaged retired unemployed "
        "self-employed freelance left-handed right-handed ambidextrous deaf blind colour-blind "
        "color-blind colourblind colorblind diabetic dyslexic autistic asthmatic coeliac celiac "
        "lactose-intolerant pregnant bilingual nearsighted short-sighted gay lesbian bisexual "
        "transgender nonbinary non-binary atheist agnostic christian".split()
    )
    | NATIONALITIES
)
"""Adjectives that last: "I'm vegan" is kept, "I'm tired" is not."""

NOT_NAMES = (
    frozenset(
        "a about above absolutely actually afraid after again ages all almost alone alright also "
        "always amazing an and angry annoyed anxious any anytime as asap ashamed "
        "asking at available "
        "awake aware away awesome back bad based because before being best better "
        "bored both brilliant "
        "broke brother busy but by calling certain ceo cfo changing chilling cold coming concerned "
        "confident confused considering cool correct crazy cto curious currently dad "
        "dead delighted "
        "depressed desperate disappointed doing done down dying early eating ecstatic embarrassed "
        "enough ever every everyone excellent excited exhausted expecting familiar "
        "fantastic feeling "
        "fed fine finished first for free fresh friday from frustrated full fun "
        "furious game getting "
        "giving glad going gone gonna good grateful great growing had half happy "
        "hard having he heading "
        "heartbroken hello here hi his hoping home hopeful how hungry hurt i if ill "
        "impressed in indeed "
        "important inside interested is it its jealous joking just keen kidding kind "
        "last late later "
        "leaving less like listening living lonely long looking lost lovely lucky "
        "mad making maybe me "
        "merely miserable mom monday more most mother moving mum my names nearly "
        "neither nervous never "
        "new next nice no nobody none not nothing now of off ok okay old on once one "
        "only open or other "
        "ours out outside over overwhelmed perfect perhaps planning pleased positive "
        "pretty probably "
        "proud quite reading ready really relaxed relieved right running sad safe "
        "saturday saying sceptical "
        "scared sceptic searching second secret serious she shocked short shy sick "
        "sitting sleeping "
        "sleepy so some soon sooner sorry spelled spelt standing starting starving "
        "still stressed stuck "
        "stunned stupid such sunday super supposed sure surprised swamped taking "
        "talking talkin team "
        "terrible terrific testing thankful that the their them then there these "
        "they thinking third "
        "thirsty this thrilled thursday tired to today together tomorrow tonight too "
        "totally trying "
        "tuesday two typing ugly under unable unhappy unsure up upset usually very "
        "visiting waiting "
        "walking wanting was watching we wednesday well wet what whatever when where "
        "wherever who why "
        "will with without wondering working worried writing wrong yes yesterday yet "
        "you young your "
        "yours unknown private confidential difficult easy common rare unusual awful spelling "
        "same look looky up down hope everything someone anyone nothing see hear "
        "pronounced written mine besides january february april june july august september october "
        "november december christmas easter".split()
    )
    | TRAITS
)
"""Words that follow "I'm" or "call me" and are no name, however they are capitalised."""

NAME_PARTICLES = frozenset(
    "al ap bin bint da das de del della den der di dos du el ibn la las le los of "
    "san te ten ter the "
    "van von zu".split()
)
"""Small words inside a name."""

NOT_TRAITS = frozenset(
    "bit little lot tad while few mess moment minute second touch big huge good bad "
    "fool idiot moron genius mix wreck "
    "nervous genuinely failure disaster loss".split()
)
"""First words after "I'm a" that say how somebody feels, not what they are."""

RELATIONS = frozenset(
    "wife husband partner spouse girlfriend boyfriend fiance fiancee fiancé fiancée "
    "mother father mum "
    "mom dad sister brother son daughter child baby aunt uncle cousin niece nephew grandmother "
    "grandfather grandma grandpa grandson granddaughter stepmother stepfather boss "
    "manager colleague "
    "coworker teacher doctor dentist neighbour neighbor roommate flatmate friend "
    "twin dog cat horse "
    "parrot rabbit hamster bird fish pet puppy kitten tortoise turtle snake mother-in-law "
    "father-in-law sister-in-law brother-in-law".split()
)
"""Who belongs to a person: "my wife is Ann" is a fact, "my wife is angry" is not."""

POSSESSIONS = frozenset(
    "birthday anniversary email e-mail phone number address job occupation "
    "profession hobby hobbies "
    "language timezone pronouns allergy team company employer car hometown city country school "
    "university nickname surname goal project dream age height weight diet major degree title role "
    "star sign zodiac username handle website nationality religion instrument sport passion "
    "workplace street postcode town salary budget deadline size wedding".split()
)
"""What of a person's is worth writing down: "my birthday is", never "my head is"."""

VAGUE_OBJECTS = frozenset(
    "it that this them him her you these those how what when where who why if your yours to one "
    "something nothing everything anything".split()
)
"""Objects that mean nothing without the sentence before: "I like it"."""

STYLE_VERBS = frozenset(
    "answer reply respond speak talk write use avoid ask call address sound act behave greet sign "
    "end start begin explain give say format translate quote refer check tell show cite mention "
    "include confirm".split()
)
"""Verbs of requests about how the agent should speak."""

MANNERS = frozenset(
    "concise brief short shorter polite friendly funny formal informal kind honest "
    "direct blunt terse "
    "verbose cheerful serious precise clear critical strict gentle nice helpful "
    "playful sarcastic professional casual succinct detailed quiet warm humble humorous "
    "encouraging sassy formal".split()
)
"""Adjectives of such requests: "be concise"."""
