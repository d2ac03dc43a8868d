"""The inspector: one member in full, with traits, ties, feed and history; it scrolls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from rich.cells import cell_len, set_cell_size
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from sim.core import plural
from tui.safe_text import line
from tui.text import all_of, count, percent, real_rows, short

if TYPE_CHECKING:
    from sim.runtime import Communities
    from sim.runtime.queries.feeds import MemberFeed
    from sim.runtime.queries.members import Inspected

MOST_ACTS = 40
PAST_TICKS = 24
"""Ticks after which the acts of the shown member are fetched again."""


class ScrollingLines(Widget, can_focus=True):
    """Lines about one thing, from the first for another thing; the arrow keys scroll."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll(-1)", "Up", id="lines-up", show=False),
        Binding("down", "scroll(1)", "Down", id="lines-down", show=False),
        Binding("pageup", "scroll(-10)", "Page up", id="lines-page-up", show=False),
        Binding("pagedown", "scroll(10)", "Page down", id="lines-page-down", show=False),
    ]
    ALLOW_SELECT = False
    EMPTY = "Nothing selected."

    shown: Any = None
    _top = 0
    _is_coming = False

    def tell(self, shown: Any) -> None:
        if self.is_other(shown):
            self._top = 0
        self.shown = shown
        self.refresh()

    def is_other(self, shown: Any) -> bool:
        """Return whether what comes is something else than what is shown."""
        if shown is None or self.shown is None:
            return shown is not self.shown
        return self.key_of(shown) != self.key_of(self.shown)

    def key_of(self, shown: Any) -> object:
        """Return what identifies the thing shown."""
        return shown.title

    def await_one(self, is_coming: bool) -> None:
        """Show that the chosen item is being fetched, or that nothing is chosen."""
        self._is_coming = is_coming
        self.refresh()

    def lines(self, shown: Any, width: int) -> list[Content]:
        raise NotImplementedError

    def action_scroll(self, by: int) -> None:
        self._top = max(0, self._top + by)
        self.refresh()

    def render(self) -> Content:
        width, height = self.size
        found = [] if self.shown is None else self.lines(self.shown, max(8, width))
        if not found:
            said = "Loading ..." if self._is_coming else self.EMPTY
            return Content.styled(said, "$foreground-muted")
        self._top = min(self._top, max(0, len(found) - height))
        return Content("\n").join(found[self._top : self._top + max(1, height)])


class Inspector(ScrollingLines):
    """The member under the cursor."""

    HELP = (
        "The selected member: status, Big Five traits and derived traits, expertise and opinions, "
        "ties by kind with the most followed members, feed of the last tick, actions, adopted "
        "messages, profile texts and lifecycle. Up and down scroll; W tells from whom it adopted "
        "and explains its feed, e draws the ties."
    )
    EMPTY = "No member selected."

    _asked_at = 0

    def key_of(self, shown: Inspected) -> object:
        return shown.member.agent

    def lacks_past(self, agent: int, tick: int) -> bool:
        """Return whether the acts of a member should be fetched, as they were not for a while."""
        shown = self.shown
        if shown is None or shown.past is None or shown.member.agent != agent:
            return True
        return not self._asked_at <= tick < self._asked_at + PAST_TICKS

    def tell(self, shown: Inspected | None) -> None:
        """Show a member; acts that were not fetched again stay."""
        if shown is not None and shown.past is not None:
            self._asked_at = shown.member.tick
        elif shown is not None and self.shown is not None and not self.is_other(shown):
            shown = shown._replace(past=self.shown.past)
        super().tell(shown)

    def lines(self, shown: Inspected, width: int) -> list[Content]:
        return _head(shown, width) + below_headings(_sections(shown), width)


class CommunityDetail(ScrollingLines):
    """The chosen community: size, adoption, onset, its most followed members, its ties."""

    HELP = "The selected community; Enter in the table lists its members."
    EMPTY = "No community selected."

    def key_of(self, shown: tuple[Communities, int, int]) -> object:
        return shown[0].names, shown[1]

    def lines(self, shown: tuple[Communities, int, int], width: int) -> list[Content]:
        found, at, tick = shown
        if not 0 <= at < len(found.names):
            return []
        size, adopted, onset = (int(each[at]) for each in (found.sizes, found.adopted, found.onset))
        is_one = at < real_rows(found)
        rank = f"{count(at + 1)} of {count(all_of(found))}" if is_one else "several communities"
        lines = [
            Content.styled(line(found.names[at], width), "bold $primary"),
            muted(rank, width),
            Content(""),
            fact("members", count(size), width),
            fact("ever adopted", f"{count(adopted)}  {percent(adopted / max(1, size))}", width),
            gauge("", adopted / max(1, size), "", width),
        ]
        for label, values in (("spreading now", found.spreading), ("new this tick", found.new)):
            if len(values) and int(values[at]) >= 0:
                lines.append(fact(label, count(int(values[at])), width))
        first = f"tick {count(onset)}" if onset >= 0 else "none yet"
        lines.append(fact("first adopter", first, width))
        if 0 <= onset < tick:
            lines.append(fact("", f"({plural(tick - onset, 'tick')} ago)", width))
        ties = found.links[at] + found.links[:, at]
        known = [other for other in (-ties).argsort()[:6].tolist() if other < real_rows(found)]
        others = [other for other in known if other != at and ties[other] > 0][:5]
        near: list[Row] = [(found.names[other], short(int(ties[other]))) for other in others]
        sections = ("Most followed", [*found.top[at][:5]]), ("Most ties with", near or ["none"])
        return lines + below_headings(sections, width)


Row = str | tuple[str, str]
"""A text, indented as far as it is, or a label with its value."""


def below_headings(sections: Iterable[tuple[str, Sequence[Row]]], width: int) -> list[Content]:
    """Return the rows of each section below its heading; one without rows is left out."""
    found: list[Content] = []
    for title, rows in sections:
        found += heading(title, width) if rows else []
        for row in rows:
            if isinstance(row, tuple):
                found.append(fact(*row, width))
            else:
                found += wrapped(row, width, indent=len(row) - len(row.lstrip()))
    return found


def heading(text: str, width: int) -> list[Content]:
    """Return a heading with an empty line before it."""
    return [Content(""), Content.styled(line(text, width), "bold $primary")]


def fact(label: str, value: str, width: int) -> Content:
    """Return a line with a label and a right-aligned value."""
    shown = line(value, max(4, width - 4))
    name = line(label, max(3, width - cell_len(shown) - 1))
    gap = " " * max(1, width - cell_len(name) - cell_len(shown))
    return Content.assemble((name, "$foreground-muted"), gap, (shown, "bold"))


def gauge(label: str, share: float, tail: str, width: int) -> Content:
    """Return a bar behind a label, and what stands behind it."""
    cells = 0 if not label else 18 if width >= 30 else 9
    room = max(3, width - cells - len(tail))
    done = round(room * share)
    return Content.assemble(
        (set_cell_size(line(label, cells), cells) if label else "", "$foreground-muted"),
        ("━" * done, "$primary"), ("─" * (room - done), "$foreground-disabled"), tail,
    )  # fmt: skip


def muted(text: str, width: int) -> Content:
    """Return a muted line."""
    return Content.styled(line(text, width), "$foreground-muted")


def _head(shown: Inspected, width: int) -> list[Content]:
    """Return who a member is: status, traits, opinions."""
    member, feed, _, inner, _ = shown
    online = ", online" if feed is not None and feed.is_online else ""
    lines = [
        Content.styled(line(member.name, width), "bold $primary"),
        muted(f"id {member.id}, {member.status}{online}, tick {count(member.tick)}", width),
        fact("community", member.community or "none", width),
        fact("online", f"{percent(member.activity)} of ticks", width),
    ]
    if feed is not None:
        lines.append(fact("reputation", f"{feed.reputation:.2f}", width))
        lines.append(fact("recommender", feed.recommender, width))
    lines += [gauge(name, share, f" {share:.2f}", width) for name, share in member.traits]
    lines += wrapped(", ".join(member.interests) or "no interests", width)
    if inner is None:
        return lines
    facts = (("language", inner.language), ("archetype", inner.archetype))
    lines += [fact(label, value, width) for label, value in facts if value]
    for name, share in (("credulity", inner.credulity), ("verification", inner.verification)):
        lines.append(gauge(name, share, f" {share:.2f}", width))
    if inner.mood is not None:
        lines.append(fact("mood", f"{inner.mood:+.2f}", width))
    if inner.late is not None:
        late = f"{abs(inner.late)} h {'later' if inner.late > 0 else 'earlier'}"
        lines.append(fact("active hours", late if inner.late else "typical", width))
    lists = {
        "expertise": [f"{name} {share:.2f}" for name, share in inner.known],
        "opinions": [f"{topic} {value:+.2f}" for topic, value in inner.opinions],
        "groups": inner.groups,
    }
    for label, words in lists.items():
        if words:
            lines += [muted(label, width), *wrapped(", ".join(words), width, indent=2)]
    return lines


def _sections(shown: Inspected) -> Iterator[tuple[str, list[Row]]]:
    """Yield what follows below headings; one without rows is left out."""
    member, feed, _, inner, past = shown
    ties: list[Row] = []
    for kind, many, names in member.ties:
        more = " ..." if many > len(names) else ""
        ties += [(kind, count(many)), f"  {', '.join(names)}{more}"]
    yield "Ties", ties
    oldest = None
    if feed is not None:
        yield _feed(feed)
        acts = [_dated(tick, f"{act} {about}") for tick, act, about in feed.acts[:MOST_ACTS]]
        yield "Actions", acts
        oldest = min((tick for tick, *_ in feed.acts), default=None)
    earlier = [each for each in past or () if oldest is None or each[0] < oldest]
    yield "Earlier actions", [_dated(tick, f"{act} {told}") for tick, act, told in earlier]
    adopted: list[Row] = []
    for number, tick, whence, text in member.adopted:
        source, now = f"adopted from {whence}" if whence else "seeded", dict(member.states)
        adopted.append((f"#{number} {source}", f"tick {count(tick)}"))
        adopted.append(f"   now {now[number]}: {text}" if number in now else f"   {text}")
    yield "Adopted messages", adopted
    changes = [(tick, f"{'by ' * theirs}{who}: {act}") for tick, act, who, theirs in member.changes]
    yield "Tie changes", [_dated(tick, said) for tick, said in changes]
    if inner is not None:
        yield "Biography", [inner.biography] if inner.biography else []
        yield "Persona", [inner.persona] if inner.persona else []
        yield "Profile", [f"{field}: {value}" for field, value in inner.profile]
        letters = [_dated(tick, f"{sender}: {text}") for tick, sender, text in inner.letters]
        yield "Direct messages", letters
        yield "Lifecycle", [_dated(tick, said) for tick, said in inner.history]


def _dated(tick: int, text: str) -> Row:
    return f"{count(tick)} {text}"


def _feed(feed: MemberFeed) -> tuple[str, list[Row]]:
    title = f"Feed of tick {count(feed.tick)} (W: why)"
    if feed.unknown or not feed.shown:
        none = "No impressions" if feed.is_online else "Offline this tick"
        return ("Feed", [feed.unknown]) if feed.unknown else (title, [none])
    rows: list[Row] = []
    for place, each in enumerate(feed.shown, 1):
        outside = f"from outside its network: {each.source}"
        whence = f"shared by {each.source}" if each.followed else outside
        rows.append((f"{place:>2} m{each.message} {whence}", f"{each.score:.2f}"))
        rows.append(f"   {each.text}")  # the author of quoted words is at the end
        rows.append(f"   {plural(each.likes, 'like')}, {plural(each.shares, 'share')}")
    return title, rows


def wrapped(text: str, width: int, indent: int = 0) -> list[Content]:
    """Return a text as lines, wrapped between words."""
    rows = Content(line(text, 2000)).wrap(max(4, width - indent))
    return [Content(" " * indent) + row for row in rows]
