"""Irregular forms: English words whose forms no rule of endings brings together.

Forms that are more often another word (`left`, `rose`, `bound`) are not here.
"""

from __future__ import annotations

__all__ = ["IRREGULAR"]

_FORMS = """
ate eaten: eat; became: become; began begun: begin; blew blown: blow; bought: buy; brought: bring;
broke broken: break; built: build; caught: catch; chose chosen: choose; dealt: deal;
drank drunk: drink; drew drawn: draw; drove driven: drive; fed: feed; fell fallen: fall;
felt: feel; fought: fight; found: find; flew flown: fly; forgot forgotten: forget;
forgave forgiven: forgive; froze frozen: freeze; gave given: give; grew grown: grow; heard: hear;
hid hidden: hide; held: hold; kept: keep; led: lead; lent: lend; lost: lose; meant: mean; met: meet;
paid: pay; rode ridden: ride; rang rung: ring; ran: run; saw seen: see; sold: sell; sent: send;
shook shaken: shake; shone: shine; shot: shoot; sang sung: sing; sank sunk: sink; sat: sit;
slept: sleep; spoke spoken: speak; spent: spend; stole stolen: steal; stood: stand; stuck: stick;
struck: strike; swam swum: swim; swept: sweep; taught: teach; tore torn: tear;
threw thrown: throw; took taken: take; understood: understand; woke woken: wake; wore worn: wear;
won: win; wrote written: write; bitten: bite; bent: bend;
children: child; men: man; women: woman; mice: mouse; feet: foot; teeth: tooth; geese: goose;
wives: wife; knives: knife; wolves: wolf; shelves: shelf; halves: half; loaves: loaf;
thieves: thief; scarves: scarf; buses: bus; gases: gas
"""

IRREGULAR = {
    form: base.strip()
    for forms, base in (entry.split(":") for entry in _FORMS.split(";"))
    for form in forms.split()
}
"""From a form to the word it is of."""
