"""Strangers: texts that have nothing to do with anybody's question.

How near two unrelated texts are differs from embedder to embedder (0.05 with one, 0.6 with another)
and from question to question. So each embedder is asked for the vectors of these texts too, and
what is no nearer to a question than strangers are is no answer to it.
"""

from __future__ import annotations

__all__ = ["STRANGERS"]

STRANGERS = (
    "The ferry leaves the harbour at dawn and reaches the islands before noon.",
    "Beat the egg whites until they are stiff, then fold in the sugar a spoonful at a time.",
    "The council voted to close the road bridge for repairs until the end of autumn.",
    "A prime number has exactly two divisors, one and itself.",
    "She has played the cello in the city orchestra for eleven years.",
    "Lichens grow slowly on bare rock and are among the first plants after a glacier retreats.",
    "The invoice is due within thirty days; please quote the order number with your payment.",
    "In the final minute the goalkeeper saved a penalty and the match ended in a draw.",
    "def mean(values): return sum(values) / len(values)",
    "My knee still hurts when I climb the stairs, so the doctor ordered an X-ray.",
    "The emperor moved his capital to the east and had its walls rebuilt in stone.",
    "Water the tomatoes in the evening and tie the stems to a cane.",
    "We are out of printer paper again; could somebody order two boxes?",
    "The telescope found a planet that circles its star once every four days.",
    "I'm so tired of this weather, it has been raining since Tuesday.",
    "The defendant appealed, and the higher court sent the case back for a new trial.",
    "Turn left at the bakery, go past the school, and it is the third house on the right.",
    "Error: connection to the database was refused on port 5432.",
    "The painter worked on the fresco for two winters and was never paid.",
    "Our cat sleeps on top of the refrigerator because it is warm there.",
    "Interest rates rose by a quarter of a point, and the currency gained against the dollar.",
    "The sonnet has fourteen lines and turns in the ninth.",
    "Happy birthday! I hope you have a lovely day with your family.",
    "The hull was riveted from steel plates an inch thick.",
    "Salmon return to the river in which they were born to spawn.",
    "Could we move our meeting from Monday to Wednesday afternoon?",
    "The tyre pressure should be checked once a month, with the tyres cold.",
    "Voltage is the product of current and resistance.",
    "They married in a small chapel in the hills and moved abroad the year after.",
    "The novel's narrator lies to the reader from the first page.",
    "Two tablets a day after meals, and no alcohol while you take them.",
    "He learned to juggle in a fortnight but never to ride a bicycle.",
)
