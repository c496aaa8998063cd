"""Stop words: words of a question that say nothing of what is asked for."""

from __future__ import annotations

__all__ = ["STOP_WORDS"]

STOP_WORDS = frozenset(
    # articles, pronouns, demonstratives
    "a an the i me my mine myself we us our ours ourselves you your yours yourself yourselves he "
    "him his himself she her hers herself it its itself they them their theirs themselves this "
    "that these those one ones someone somebody something anyone anybody anything everyone "
    "everybody everything who whom whose which what whatever such same other others another each "
    "every either neither both all any some few many much more most several none own "
    # asking
    "when where why how whether kind kinds type types sort sorts tell describe explain give list "
    "name named call called mention mentioned say says said saying talk talked talking know known "
    "remember recall find found show think thought ask asked asks long often far "
    # being, having, doing, and what goes with it
    "am is are was were be been being do does did doing done have has had having can could shall "
    "should will would may might must ought get gets got getting gotten go goes going went gone "
    "make makes made making take takes took taken come comes came let used dont doesnt didnt isnt "
    "arent wasnt werent hasnt havent hadnt cant couldnt wont wouldnt shouldnt aint ill ive im "
    "youre hes shes theyre weve id lets thats whats wheres whos "
    # joining
    "and or but nor so if then than because as until while since although though of at by for with "
    "about against between into through during before after above below to from up down in out on "
    "off over under upon within without along across behind beyond per via around among toward "
    "towards regarding "
    # colouring
    "again further once here there only also too very just not no yes ever never even still yet "
    "already really quite rather almost perhaps maybe likely probably possibly currently recently "
    "now today ago well please thanks thank ok okay hey hi hello oh "
    # vague matter
    "thing things stuff lot lots way ways bit details information mr mrs ms dr".split()
)
"""English ones; other languages' common words are common in what is searched, and weigh little."""
