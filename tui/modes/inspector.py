"""The inspector: one member in full, with traits, ties, feed and history; it scrolls."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from sim.core import plural
from tui.safe_text import line
from tui.text import count, percent

if TYPE_CHECKING:
    from sim.runtime.queries.feeds import MemberFeed
    from sim.runtime.queries.members import MemberCharacter, MemberDetails


MOST_ACTS = 40
PAST_TICKS = 24
"""Ticks after which the acts of the shown member are fetched again."""

UndoHistory = tuple[tuple[int, str, str], ...]


class ScrollingLines(Widget, can_focus=True):
    """Lines of text that scroll with the arrow keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll(-1)", "Up", id="lines-up", show=False),
        Binding("down", "scroll(1)", "Down", id="lines-down", show=False),
        Binding("pageup", "scroll(-10)", "Page up", id="lines-page-up", show=False),
        Binding("pagedown", "scroll(10)", "Page down", id="lines-page-down", show=False),
    ]
    ALLOW_SELECT = False
    EMPTY = "Nothing selected."

    def __init__(self, *, id: str) -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)
        self._top = 0
        self._empty = self.EMPTY

    def await_one(self, is_coming: bool) -> None:
        """Show that the chosen item is being fetched, or that nothing is chosen."""
        self._empty = "Loading ..." if is_coming else self.EMPTY
        self.refresh()

    def lines(self, width: int) -> list[Content]:
        """Return the content as lines."""
        del width
        return []

    def action_scroll(self, by: int) -> None:
        last = len(self.lines(self.size.width)) - self.size.height
        self._top = min(max(0, self._top + by), max(0, last))
        self.refresh()

    def start(self) -> None:
        """Show the first line again."""
        self._top = 0
        self.refresh()

    def render(self) -> Content:
        found = self.lines(max(8, self.size.width))
        if not found:
            return Content.styled(self._empty, "$foreground-muted")
        self._top = min(self._top, max(0, len(found) - self.size.height))
        return Content("\n").join(found[self._top : self._top + max(1, self.size.height)])


class Inspector(ScrollingLines):
    """The member under the cursor."""

    HELP = (
        "The selected member: status, Big Five traits and derived traits, expertise and opinions, "
        "ties by kind with the most followed members, feed of the last tick, actions, adopted "
        "messages, profile texts and lifecycle. Up and down scroll; W explains the feed, e draws "
        "the ties, C compares with another member."
    )
    EMPTY = "No member selected."

    def __init__(self, *, id: str = "inspector") -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)
        self._asked_at = 0
        self.member: MemberDetails | None = None
        self.feed: MemberFeed | None = None
        self.inner: MemberCharacter | None = None
        self.past: UndoHistory | None = None

    def lacks_past(self, agent: int, tick: int) -> bool:
        """Return whether the acts of a member should be fetched, as they were not for a while."""
        if self.past is None or self.member is None or self.member.agent != agent:
            return True
        return not self._asked_at <= tick < self._asked_at + PAST_TICKS

    def tell(
        self,
        member: MemberDetails | None,
        feed: MemberFeed | None,
        inner: MemberCharacter | None = None,
        past: UndoHistory | None = None,
    ) -> None:
        """Show a member: its platform facts, its profile and state, and its past acts.

        ``past`` None: its acts were not fetched again.
        """
        is_other = member is None or self.member is None or member.agent != self.member.agent
        self.member, self.feed, self.inner = member, feed, inner
        if past is not None and member is not None:
            self._asked_at = member.tick
        self.past = past if is_other or past is not None else self.past
        if is_other:
            self._top = 0
        self.refresh()

    def lines(self, width: int) -> list[Content]:
        """Return everything known of the member."""
        member = self.member
        if member is None:
            return []
        return [
            *_head(member, self.feed, width),
            *_within(self.inner, width),
            *_ties(member, width),
            *_feed(self.feed, width),
            *_acts(self.feed, width),
            *_past(self.past, self.feed, width),
            *_adopted(member, width),
            *_changes(member, width),
            *_written(self.inner, width),
        ]


def heading(text: str, width: int) -> list[Content]:
    """Return a heading with an empty line before it."""
    return [Content(""), Content.styled(line(text, width), "bold $primary")]


def fact(label: str, value: str, width: int) -> Content:
    """Return a line with a label and a right-aligned value."""
    shown = line(value, max(4, width - 4))
    name = line(label, max(3, width - cell_len(shown) - 1))
    gap = " " * max(1, width - cell_len(name) - cell_len(shown))
    return Content.assemble((name, "$foreground-muted"), gap, (shown, "bold"))


def muted(text: str, width: int) -> Content:
    """Return a muted line."""
    return Content.styled(line(text, width), "$foreground-muted")


def _head(member: MemberDetails, feed: MemberFeed | None, width: int) -> list[Content]:
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
    lines += [_gauge(name, share, width) for name, share in member.traits]
    return [*lines, *wrapped(", ".join(member.interests) or "no interests", width)]


def _gauge(name: str, share: float, width: int) -> Content:
    label = line(name, 18).ljust(18) if width >= 30 else line(name, 9).ljust(9)
    room = max(3, width - len(label) - 5)
    done = round(room * share)
    return Content.assemble(
        (label, "$foreground-muted"),
        ("━" * done, "$primary"),
        ("─" * (room - done), "$foreground-disabled"),
        f" {share:.2f}",
    )


def _within(inner: MemberCharacter | None, width: int) -> list[Content]:
    """Return a member's derived values, expertise, opinions and groups."""
    if inner is None:
        return []
    found = [fact("archetype", inner.archetype, width)]
    found += [_gauge("credulity", inner.credulity, width)]
    found += [_gauge("verification", inner.verification, width)]
    if inner.mood is not None:
        found += [fact("mood", f"{inner.mood:+.2f}", width)]
    if inner.late is not None:
        late = f"{abs(inner.late)} h {'later' if inner.late > 0 else 'earlier'}"
        found += [fact("active hours", late if inner.late else "typical", width)]
    known = ", ".join(f"{name} {share:.2f}" for name, share in inner.known)
    thinks = ", ".join(f"{topic} {value:+.2f}" for topic, value in inner.opinions)
    said = (("expertise", known), ("opinions", thinks), ("groups", ", ".join(inner.groups)))
    return found + [each for label, text in said if text for each in _told(label, text, width)]


def _told(label: str, text: str, width: int) -> list[Content]:
    return [muted(label, width), *wrapped(text, width, indent=2)]


def _written(inner: MemberCharacter | None, width: int) -> list[Content]:
    """Return the texts about a member, and its life so far."""
    if inner is None:
        return []
    texts = (("Biography", inner.biography), ("Persona", inner.persona))
    found = [
        each
        for name, text in texts
        if text
        for each in [*heading(name, width), *wrapped(text, width)]
    ]
    if inner.profile:
        found += heading("Profile", width)
    for field, value in inner.profile:
        found += wrapped(f"{field}: {value}", width)
    if inner.letters:
        found += heading("Direct messages", width)
    for tick, sender, text in inner.letters:
        found += wrapped(f"{count(tick)} {sender}: {text}", width)
    if inner.history:
        found += heading("Lifecycle", width)
    return found + [muted(f"{count(tick):>5} {said}", width) for tick, said in inner.history]


def _ties(member: MemberDetails, width: int) -> list[Content]:
    found = []
    for kind, many, names in member.ties:
        found += [fact(kind, count(many), width)]
        found += wrapped(", ".join(names) + (" ..." if many > len(names) else ""), width, indent=2)
    return [*heading("Ties", width), *found]


def _feed(feed: MemberFeed | None, width: int) -> list[Content]:
    if feed is None:
        return []
    if feed.unknown:
        return [*heading("Feed", width), *wrapped(feed.unknown, width)]
    title = f"Feed of tick {count(feed.tick)} (W: why)"
    if not feed.shown:
        why = "No impressions" if feed.is_online else "Offline this tick"
        return [*heading(title, width), muted(why, width)]
    found = []
    for place, each in enumerate(feed.shown, 1):
        outside = f"from outside its network: {each.source}"
        whence = f"shared by {each.source}" if each.followed else outside
        score = f"{each.score:.2f}"
        found.append(fact(f"{place:>2} m{each.message} {whence}", score, width))
        found += wrapped(each.text, width, indent=3)  # the author of quoted words is at the end
        likes, shares = plural(each.likes, "like"), plural(each.shares, "share")
        found.append(muted(f"   {likes}, {shares}", width))
    return [*heading(title, width), *found]


def _acts(feed: MemberFeed | None, width: int) -> list[Content]:
    if feed is None or not feed.acts:
        return []
    found = [
        muted(f"{count(tick):>5} {what}" + (f" {about}" if about else ""), width)
        for tick, what, about in feed.acts[:MOST_ACTS]
    ]
    return [*heading("Actions", width), *found]


def _past(past: UndoHistory | None, feed: MemberFeed | None, width: int) -> list[Content]:
    """Return the acts of a member before those in its feed, with their texts."""
    oldest = min((tick for tick, *_ in feed.acts), default=None) if feed is not None else None
    found = []
    for tick, what, said in past or ():
        if oldest is None or tick < oldest:
            found += [muted(f"{count(tick):>5} {what}", width)]
            found += wrapped(said, width, indent=6) if said else []
    return [*heading("Earlier actions", width), *found] if found else []


def _adopted(member: MemberDetails, width: int) -> list[Content]:
    if not member.adopted:
        return []
    found, now = [], dict(member.states)
    for number, tick, whence, text in member.adopted:
        source = f"adopted from {whence}" if whence else "seeded"
        found.append(fact(f"#{number} {source}", f"tick {count(tick)}", width))
        state = f"now {now[number]}: " if number in now else ""
        found.append(Content(line(f"   {state}{text}", width)))
    return [*heading("Adopted messages", width), *found]


def _changes(member: MemberDetails, width: int) -> list[Content]:
    if not member.changes:
        return []
    found = [
        muted(f"{count(tick):>5} {'by ' if theirs else ''}{other}: {act}", width)
        for tick, act, other, theirs in member.changes
    ]
    return [*heading("Tie changes", width), *found]


def wrapped(text: str, width: int, indent: int = 0) -> list[Content]:
    """Return a text as lines, wrapped between words."""
    lines, room = [""], max(4, width - indent)
    for word in line(text, 2000).split():
        if lines[-1] and cell_len(lines[-1]) + cell_len(word) + 1 > room:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + line(word, room)
    return [Content(" " * indent + each) for each in lines]
