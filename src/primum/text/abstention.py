"""Whether an answer abstains, by what it says: that the text cannot tell, and nothing that answers all the same.

The published scorer knew two phrases ("conflicting information", "does not contain") and paid whoever used them, an
answer following or not. Here some part of the answer must say that the asked-for thing is not to be had, or that the
sources do not agree, and no other part may give it: "The context does not say, but it is usually 54 Gy" is an answer.

Rules see words. Known limits: an abstention about something that was not asked; wordings outside the lists below.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from primum.text.words import NEGATIONS, PLAIN, content, figures_with_units, find, fold, normalise, tokens

_TELL = (
    r"(?:contain|mention|stat(?:e|es|ed|ing)\b|specif|say|said|provid|report|includ|giv|gave|address|record|cover|"
    r"describ|tell|told|"
    r"indicat|document|answer|discuss|nam(?:e|es|ed)\b|disclos|list|support|allow|permit|reveal|establish|clarif|"
    r"explain|show|writ|identif|resolv|defin|offer|relat|concern|touch|speak|hold|suffic|help|let\b|lets\b|have\b|"
    r"decid|settl|determin|"
    r"note\b|notes\b|noted|quantif|detail|supply|supplie)\w*"
)
_TOLD = (
    r"(?:stated|mentioned|specified|reported|recorded|documented|disclosed|described|listed|named|addressed|"
    r"written|known|available|clear|determined|determinable|answerable|certain|defined|indicated|"
    r"settled|resolved|among|part of|part|contained|enough|sufficient|discussed|explained|detailed|quantified|"
    r"told|said|"
    r"(?:given|provided|supplied|included|covered|present)(?= (?:in|by|here|there|anywhere|directly|explicitly|"
    r"for)\b|[.,;:]|$))"
)
_FIND = (
    r"(?:determin|answer|say|said|tell|told|establish|conclud|stat(?:e|ed)\b|know|confirm|infer|provid|giv|"
    r"recommend|deduc|deriv|"
    r"decid|ascertain|identif|find|found|settl|resolv|specif|judg|verif|reconcil|work(?:ed)? out|advis|extract|"
    r"pick|choos|be sure|"
    r"be certain|comment|respond|offer|read|suppl|report|calculat|comput|estimat|assess|ma[kd]e out|guess|knowing|"
    r"telling|saying)\w*"
)
_THING = (
    r"(?:information|info|data|detail|figure|mention|answer|dose|value|statement|word|indication|number|result|"
    r"fact|basis|material|clue|record)s?"
)
_UN = (
    r"un(?:stated|mentioned|known|clear|specified|recorded|reported|documented|determined|answerable|answered|"
    r"resolved|disclosed|available|certain|named|addressed|described|confirmed|settled|decided)"
)
_BE = r"(?:is|are|was|were|be|been|being|has|have|had|remains?|stays?|goes|went|left|leaves?)"
# Told of the text or of what is asked: unless a person is the subject ('She was not given panobinostat').
_OF_TEXT = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b(?:do|does|did) not (?:\w+ ){{0,3}}?{_TELL}",
        rf"\b(?:never|nowhere|hardly) (?:\w+ ){{0,2}}?{_TELL}",
        rf"\b(?:fails?|failed) to (?:\w+ )?{_TELL}",
        rf"\b{_BE} (?:\w+ )?(?:not|never|nowhere) (?:been )?(?:\w+ ){{0,2}}?{_TOLD}\b",
        rf"(?<!is )(?<!are )(?<!was )(?<!were )(?<!been )(?<!be )(?<!has )(?<!had )\bnot {_TOLD}\b",
    )
)
# 'No dose of it is given': told of the text, unless the text itself has the sentence ('No chemotherapy was given').
_NO_THING = re.compile(rf"\bno (?:\w+ ){{1,8}}{_BE} (?:\w+ )?{_TOLD}\b")
_PERSONS = frozenset("he she they you patient child boy girl family mother father parents team doctor who".split())
_ANY = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b(?:cannot|can not|could not|unable to|not able to|impossible to|not possible to|no way (?:to|of)|"
        r"not in a position to|"
        rf"would not be able to|must not|will not|would not|should not) (?:\w+ )?(?:be )?(?:\w+ )?{_FIND}",
        rf"\b(?:nothing|none|no (?:\w+ ){{1,4}})\s?(?:can|could|may) be {_FIND}",
        r"\b(?:nothing|nowhere|neither|none|no (?:sentence|part|line|passage|statement|note|source|document|"
        rf"one))\b(?: \w+){{0,5}}? {_TELL}",
        r"\b(?:say|tell|give|contain|hold|state|provide|offer|mention|include|report)s? (?:us |me )?(?:nothing|"
        rf"no (?:\w+ )?{_THING})\b",
        rf"\b(?:has|have) (?:nothing|no (?:\w+ )?{_THING})\b",
        r"\b(?:no|insufficient|not enough|too little|inadequate|lacking|missing|without|"
        r"lack of) (?:\w+ ){0,3}(?:information|data|details?|mention)\b",
        r"\bnot (?:to be found |found |given )?(?:in|among|within|part of) (?:the|this|these|its|"
        r"any) (?:\w+ )?(?:text|context|passage|notes?|records?|reports?|vignette|details|letter|documents?|"
        r"information)\b",
        r"\bno evidence (?:in|from|within) (?:the|this) (?:\w+ )?(?:text|context|passage|note|record|report)\b",
        rf"\b{_THING} (?:\w+ ){{0,4}}{_BE} (?:\w+ )?(?:missing|absent|lacking|insufficient|inadequate|silent|"
        r"left out|left open)\b",
        rf"\b{_BE} (?:\w+ )?(?:{_UN}|indeterminate|inconclusive)\b",
        r"\b(?:is|are|remains?) silent\b|\bstops? short of\b|\b(?:omits?|leaves? (?:it |that |this )?(?:out|open|"
        r"unclear))\b",
        r"\b(?:outside|beyond) (?:the )?(?:scope of )?(?:the|this) (?:\w+ )?(?:text|context|passage|note|record|"
        r"report|vignette)\b",
        r"\b(?:nothing to do with|unrelated|irrelevant|not (?:a )?(?:subject|about|related|relevant)|"
        r"about something else|something else entirely|lacks?)\b",
        r"\b(?:i|we) (?:really )?(?:do not|did not|cannot|can not) (?:know|have|say|tell|see|find)\b",
        r"\b(?:abstain|abstains|abstaining|abstention|unanswerable|not answerable|no answer)\b",
        r"\b(?:i|we) (?:\w+ )?(?:decline|refrain|withhold)\b",
        rf"^(?:{_UN}|not (?:known|stated|specified|reported|recorded|documented|given|available|mentioned|"
        r"provided)|n/a)\b",
    )
)
_CONFLICT = re.compile(
    r"\b(?:contradict\w*|conflict\w*|inconsisten\w*|disagree\w*|discrepan\w*|irreconcilabl\w*|incompatibl\w*|"
    r"mismatch\w*|at odds|"
    r"(?:do|does|did) not (?:agree|match|tally)|differ|differs|differing|opposite|"
    r"two (?:different|incompatible|opposite)|both (?:figures|values|doses|statements|versions))\b|"
    r"\bone\b.{1,60}\bthe other\b"
)
# No pattern above matches without one of these: most answers are done with after a look for them.
_SIGNS = tuple(
    "no,un,never,neither,hardly,fail,impossible,insufficient,inadequate,too "
    "little,lack,missing,without,absent,silent,left o,"
    "indeterminate,inconclusive,short of,omit,leave,outside,beyond,irrelevant,something "
    "else,abst,decline,refrain,withhold,n/a,"
    "contradict,conflict,inconsisten,disagree,discrepan,irreconcil,incompatib,mismatch,at odds,differ,opposite,two ,"
    "both ,other".split(",")
)
_UNDONE = re.compile(
    r"\bnot (?:true |correct |the case |right |accurate )?(?:to say )?that\b|\b(?:no|"
    r"without(?: any)?) (?:real )?(?:conflict|contradiction|discrepancy|"
    r"inconsistency|disagreement|doubt|question)\b|\bnot (?:in conflict|contradictory|inconsistent|conflicting)\b|"
    r"\b(?:do|does|did) not (?:conflict|contradict|disagree|differ)\b|\b(?:not|hardly|never) (?:unknown|unclear|"
    r"unspecified|"
    r"unstated|missing|unanswerable|silent)\b"
)
_POLICY = re.compile(
    r"\bas an? (?:ai|assistant|language model)\b|\bmedical advice\b|\bpolicy\b|\bnot allowed\b|\bguidelines\b|"
    r"\bqualified professional\b"
)
_CONTRAST = re.compile(
    r"(?:^|[\s,;:.-])(?:but|however|nevertheless|nonetheless|yet|still|even so|that said|regardless|anyway)[\s,]"
)
_GUESS = re.compile(
    r"\b(?:likely|probably|presumably|typically|usually|generally|normally|most often|commonly|i (?:would|will|can) "
    r"(?:guess|estimate|assume|suggest|answer|go with)|best guess|my (?:guess|estimate|answer)|estimated at|"
    r"should be|would be|must be|must have|will have|is expected|(?:can|may) (?:be )?assume\w*|safe to|"
    r"in practice|standard (?:dose|treatment|"
    r"practice|of care)|(?:my|general|medical|clinical|prior|background) (?:knowledge|experience)|"
    r"the answer is|i think|i believe|i suspect|perhaps|maybe|may well)\b"
)
_ASKS = re.compile(
    r"\b(?:please|consult|ask|contact|seek|check|checked|need|needs|needed|required|requires|would help|"
    r"would have to|sorry|apologi[sz]e|"
    r"unfortunately|refer|to answer|in order to|question)\b"
)
# Words of talk about a text: they assert nothing about the patient.
_META = frozenset(
    fold(word)
    for word in (
        "text context passage note vignette record report document documentation excerpt extract information "
        "material letter "
        "summary statement sentence chart referral source data case description history detail evidence "
        "newsletter article "
        "say said state stated tell told give given describe described mention mentioned contain include report "
        "record only "
        "one other another two both side question answer asked asking provided based according available author "
        "writer here "
        "about something else thing matter subject topic know known sure certain clear unclear enough give gives "
        "speak talk "
        "concern concerned rather instead nothing anything exact specific figure value number reason therefore "
        "thus hence "
        "need needed require required sufficient insufficient "
        "since because first second version guess guessing dangerous unsafe safe harm risk wrong misleading "
        "account much many long often begin began begun part deal focus discuss"
    ).split()
)
_BARE = re.compile(r"(?:yes|no)[.!,;]?")
_SPEAKS = re.compile(
    r"\b(?:text|context|passage|note|notes|vignette|record|records|report|reports|document|documents|letter|summary|"
    r"chart|source|sources|newsletter|article|sentence|sentences|question|only|nothing|mentions?|says?|states?|describes?)\b"
)
_PARTS = re.compile(r"(?<=[.!?;])\s+|\n+|:\s+")
_CLAUSES = re.compile(r",\s+|\s+-\s+|\s+(?=although\b|though\b|whereas\b|while\b)")


def abstains(answer: str, context: str = "", question: str = "", claims: Sequence[str] = ()) -> bool:
    """Whether ``answer`` says that it cannot be told, and does not tell it all the same.

    Args:
        answer: the answer's text.
        context, question: where given, a part beside the abstention that says other things than they do is an answer.
        claims: right and wrong answers; stating one outside an abstaining part is an answer, and so is stating a
            negative finding anywhere.
    """
    said = [part for part in _PARTS.split(answer) if part.strip(" .")]
    abstaining = [part for part in said if _abstaining(normalise(part), context)]
    if not abstaining:
        return False
    if any(_negative(claim) and find(tokens(claim), tokens(answer)) >= 0 for claim in claims):
        return False
    known = {*content(tokens(context)), *content(tokens(question))} if context else None
    asked = set(content(tokens(question)))
    measured = figures_with_units(tokens(answer))
    named = sum(find(tokens(claim), tokens(answer)) >= 0 for claim in claims)
    # Both sides of a contradiction.
    torn = names_conflict(answer) and (named > 1 or len({value for value, _ in measured}) > 1)
    if context and _BARE.fullmatch(normalise(said[0])):
        return False
    for part in said:
        text = normalise(part)
        if part in abstaining:
            head, *tail = _CONTRAST.split(text, maxsplit=1)
            rest = tail[0] if tail and _abstaining(head) else ""
            if rest and not _abstaining(rest) and (_GUESS.search(rest) or figures_with_units(tokens(rest))):
                return False
            if known is not None and any(
                _strange(clause, known) for clause in _CLAUSES.split(part) if not _abstaining(normalise(clause))
            ):
                return False
            continue
        if _CONFLICT.search(text) or (torn and not _GUESS.search(text)):
            continue
        words = tokens(text)
        if known is not None and not _of_the_text(text) and not _ASKS.search(text):
            return False  # a statement about the patient, with a disclaimer beside it
        of_other = known is not None and {w for w in content(words) if len(w) > 3} & known - asked - PLAIN
        if (_GUESS.search(text) and not _ASKS.search(text)) or (figures_with_units(words) and not of_other):
            return False
        if any(find(tokens(claim), words) >= 0 for claim in claims) or (known is not None and _strange(part, known)):
            return False
    return True


def hedges(answer: str, question: str = "") -> bool:
    """Whether a part of ``answer`` says that what is asked cannot be told: no way to give a right answer."""
    for part in _PARTS.split(answer):
        own = set(content(tokens(part))) - _META - PLAIN - set(content(tokens(question)))
        if not own and _abstaining(normalise(part)):
            return True
    return False


def asserted(answer: str) -> str:
    """``answer`` without what it says of the text's silence."""
    kept = []
    for part in _PARTS.split(answer):
        pieces = _CONTRAST.split(part) if _abstaining(normalise(part)) else [part]
        kept += [piece for piece in pieces if not _abstaining(normalise(piece))]
    return " ".join(kept)


def names_conflict(answer: str) -> bool:
    """Whether ``answer`` says that the statements it was given do not agree."""
    text = normalise(answer)
    return bool(_CONFLICT.search(text)) and not _UNDONE.search(text)


@lru_cache(maxsize=8192)
def _abstaining(part: str, context: str = "") -> bool:
    """Whether a part says that it cannot be told. Talk of policy says nothing of the text."""
    text = " ".join(tokens(part)) if "'" in part else part
    if not any(sign in text for sign in _SIGNS):
        return False
    says, unless_told = _worded(text)
    return says or (unless_told and find(tokens(text), tokens(context)) < 0)


@lru_cache(maxsize=4096)
def _worded(text: str) -> tuple[bool, bool]:
    """Whether the wording of a part abstains; and whether it does where the context does not have the sentence "
    "itself."""
    if _UNDONE.search(text) or (_POLICY.search(text) and "text" not in text and "context" not in text):
        return False, False
    if any(pattern.search(text) for pattern in _ANY) or _CONFLICT.search(text):
        return True, False
    for pattern in _OF_TEXT:
        for match in pattern.finditer(text):
            before = text[: match.start()].split()
            if not before or before[-1].strip(",.") not in _PERSONS:
                return True, False
    return False, bool(_NO_THING.search(text))


def _of_the_text(part: str) -> bool:
    """Whether a part speaks of the text, rather than of the patient."""
    return bool(_SPEAKS.search(part))


def _negative(claim: str) -> bool:
    """A right answer that itself denies something: 'no evidence of spread'."""
    return any(word in NEGATIONS for word in tokens(claim))


def _strange(part: str, known: set[str]) -> bool:
    """Whether a part says something that neither context nor question says: two words of its own, or one that is "
    "a name or all."""
    own = [word for word in content(tokens(part)) if word not in known and fold(word) not in _META]
    if not own or _ASKS.search(normalise(part)):
        return False
    if len(set(own)) > 1:
        return True
    return len(content(tokens(part))) == len(own) or any(
        word[:1].isupper() and word.lower().startswith(own[0]) for word in part.split()[1:]
    )
