"""Servers differ in what they take: each is asked as it likes, and what that is, is remembered."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from email.utils import formatdate
from time import monotonic, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim import Answer, Ask, Turn
from sim.errors import InputError
from sim.minds import Budget, Fault, ModelError, ModelPool, Provider
from sim.minds.models.pool import ProviderClient
from sim.minds.models.provider import Secret, ServerQuirks, _wait
from sim.minds.models.replies import object_in, reply_of
from sim.minds.prompts.decisions import schema_of
from tests.unit.minds.server import Answering, Call, Server, body, completion, status

CANARY = "sk-canary-5f2c7a90be31"
DECISION = schema_of(("like", "post"), 3)
ASK = Ask((Turn("user", "Which? Answer in JSON."),), most=20, seed=3, schema=DECISION)


def asked(server: Server, asks: Sequence[Ask] = (ASK,), **more: object) -> list[Answer]:
    provider = Provider("m", server.url, Secret(CANARY), **more)  # type: ignore[arg-type]
    with ModelPool([provider], cache=0) as pool:
        return [pool.ask_all([ask])[0] for ask in asks]


REFUSED = {
    "nothing": ((), {"max_completion_tokens", "temperature", "seed", "json_schema", "maximum"}),
    "the bound": (("max_completion_tokens",), {"max_tokens", "temperature", "json_schema"}),
    "a temperature": (("temperature", "seed"), {"max_completion_tokens", "json_schema"}),
    "bounds in schemas": (("maximum", "maxLength", "minimum"), {"json_schema", "enum"}),
    "schemas": (("json_schema",), {"json_object", "temperature"}),
    "any form": (("response_format",), {"temperature", "seed"}),
    "all of it": (
        ("max_completion_tokens", "temperature", "seed", "response_format"), {"max_tokens"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", REFUSED)
def test_what_a_server_refuses_is_said_otherwise_and_remembered(row: str) -> None:
    names, kept = REFUSED[row]

    async def answer(call: Call) -> None:
        sent = json.dumps(call.said)
        name = next((name for name in names if f'"{name}"' in sent), None)
        if name is None:
            await call.send(completion())
            return
        what = "schema: " if name in {"maximum", "minimum", "maxLength"} else ""
        said = {"error": {"message": f"Invalid {what}'{name}' is not permitted."}}
        await call.send(json.dumps(said).encode(), 422 if name == "seed" else 400)

    with Server(answer) as server:
        first, second = asked(server, [ASK, ASK])
        calls = [json.dumps(call.said) for call in server.calls]
    assert (first.text, second.text, first.retries) == ("Good morning.", "Good morning.", 0)
    assert all(f'"{name}"' in calls[-1] for name in kept)
    assert not any(f'"{name}"' in calls[-1] for name in names)
    assert calls[-1] == calls[-2]  # the second question is asked once
    assert first.spent.requests == second.spent.requests == 1


def test_a_request_that_is_refused_for_nothing_or_as_too_long_fails_at_once() -> None:
    with Server(status(400, '{"error": {"message": "No."}}')) as server:
        (answer,) = asked(server)
    assert (answer.fault, len(server.calls)) == (Fault.REJECTED, 1)
    said = "This model's maximum context length is 4096 tokens; you set max_completion_tokens."
    with Server(status(400, json.dumps({"error": {"message": said}}))) as server:
        (answer,) = asked(server)
    assert (answer.fault, len(server.calls)) == (Fault.TOO_LONG, 1)


def test_a_server_that_does_not_read_the_bound_is_told_it_by_its_old_name() -> None:
    long = body(completion(usage={"prompt_tokens": 9, "completion_tokens": 21}))
    with Server(long) as server:
        asked(server, [ASK, ASK])
        sent = [call.said for call in server.calls]
    assert ["max_tokens" in one for one in sent] == [False, True]


def test_a_server_that_counts_thoughts_and_refuses_the_old_name_is_asked_by_the_new_one() -> None:
    refusal = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."

    async def thinking(call: Call) -> None:
        if "max_tokens" in call.said:
            await call.send(json.dumps({"error": {"message": refusal}}).encode(), 400)
        else:
            usage = {"prompt_tokens": 9, "completion_tokens": 300}
            await call.send(completion(usage=usage))

    with Server(thinking) as server:
        answers = asked(server, [ASK] * 4)
        sent = [call.said for call in server.calls]
    assert [answer.text for answer in answers] == ["Good morning."] * 4
    assert ["max_tokens" in one for one in sent] == [False, True, False, False, False]


def test_a_server_that_refuses_both_names_of_the_bound_is_not_asked_for_ever() -> None:
    async def neither(call: Call) -> None:
        name = next(name for name in call.said if name.startswith("max_"))
        await call.send(json.dumps({"error": {"message": f"no {name}"}}).encode(), 400)

    with Server(neither) as server:
        (answer,) = asked(server)
    assert (answer.fault, len(server.calls)) == (Fault.REJECTED, 2)


NAMES = ["max_completion_tokens", "max_tokens", "temperature", "seed", "schema", "x"]


@given(st.lists(st.sampled_from(NAMES)))
def test_manners_come_to_an_end_and_the_question_stays_the_same(refusals: list[str]) -> None:
    manners, learned = ServerQuirks(), 0
    for refusal in refusals * 3:
        learned += manners.learn(manners.body(ASK, "m"), f"no {refusal} here")
        manners.saw(ASK, 300)
    assert learned <= 6
    sent = manners.body(ASK, "m")
    assert (sent["model"], sent["messages"]) == ("m", ASK.body("m")["messages"])
    assert sent.get("max_tokens", sent.get("max_completion_tokens")) == 20


TALK = (Turn("system", "You are short."), Turn("user", "Well?"))
MERGED = [{"role": "user", "content": "You are short.\n\nWell?"}]
SYSTEM = [
    (400, "System role not supported"),
    (500, "Jinja Exception: System role not supported"),
    (400, "Conversation roles must alternate user/assistant/user/assistant/..."),
    (400, "Only user and assistant roles are supported!"),
    (400, "Developer instruction is not enabled for models/gemma-3-27b-it"),
    (422, "'system' is not a valid role; the role has to be one of 'user', 'assistant'"),
    (400, "This model does not support system messages."),
]


@pytest.mark.parametrize("passed_on", [False, True])
@pytest.mark.parametrize(("code", "said"), SYSTEM)
def test_a_server_without_a_system_role_is_told_it_by_the_user(
    code: int, said: str, passed_on: bool
) -> None:
    async def answer(call: Call) -> None:
        if call.said["messages"] == MERGED:
            await call.send(completion())
        else:
            error = {"error": {"message": said, "code": code if passed_on else None}}
            await call.send(json.dumps(error).encode(), 200 if passed_on else code)

    with Server(answer) as server:
        first, second = asked(server, [replace(ASK, turns=TALK)] * 2)
        calls = [call.said for call in server.calls]
    assert (first.text, second.text, first.retries) == ("Good morning.", "Good morning.", 0)
    assert [call["messages"] == MERGED for call in calls] == [False, True, True]
    assert calls[-1]["response_format"]["type"] == "json_schema"  # nothing else was given up


ECHO = '{"role": "system", "content": "Write short messages in this role."}'
PASSING = [
    (500, "The system is overloaded; error messages are logged."),
    (500, "The system could not read messages."),
    (422, f"Unprocessable: {ECHO}"),
    (422, f"Unprocessable: {json.dumps(ECHO)}"),
    (500, "System messages are lost: the disk is full."),  # it is tried, in vain
    (500, "The grammar of the template failed."),
]


@pytest.mark.parametrize(("code", "said"), PASSING)
def test_a_failure_that_passes_changes_no_way_of_asking(code: int, said: str) -> None:
    is_down = True

    async def answer(call: Call) -> None:
        if is_down:
            await call.send(json.dumps({"error": {"message": said}}).encode(), code)
        else:
            await call.send(completion())

    ask = replace(ASK, turns=TALK)
    with Server(answer) as server, ModelPool([Provider("m", server.url)], cache=0) as pool:
        assert pool.ask_all([ask])[0].fault is not None
        is_down = False
        assert pool.ask_all([ask])[0].fault is None
        first, last = server.calls[0].said, server.calls[-1].said
    assert last == first


STREAM = [
    "This model only support stream mode, please enable the stream parameter to access the model.",
    "Non-streaming is not supported: set stream=true", "stream must be true",
    "Only streaming requests are supported.",
]  # fmt: skip


def event(delta: object, reason: str | None = None, **more: object) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return f"data: {json.dumps({'choices': [choice], **more})}\n\n"


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("said", STREAM)
def test_a_server_that_only_streams_is_asked_for_a_stream(said: str, counts: bool) -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 4}

    async def answer(call: Call) -> None:
        if not call.said.get("stream"):
            await call.send(json.dumps({"message": said}).encode(), 400)
        elif "stream_options" in call.said and not counts:
            await call.send(b'{"error": {"message": "stream_options: extra input"}}', 422)
        else:
            told = event({"content": "Good "}) + event({"content": "morning."}, "stop")
            told += event({}, usage=usage) if counts else ""
            await call.send(f"{told}data: [DONE]\n\n".encode(), kind="text/event-stream")

    with Server(answer) as server:
        (found,) = asked(server)
        assert server.calls[-1].said["response_format"]["type"] == "json_schema"
    assert (found.text, found.retries, found.spent.requests) == ("Good morning.", 0, 1)
    assert found.spent.tokens == (13 if counts else ASK.most_read + ASK.most)


DONE = "data: [DONE]\n\n"
STREAMS: dict[str, tuple[str, str, Fault | None]] = {
    "no end but its mark": (event({"content": "Yes."}) + DONE, "Yes.", None),
    "a whole message": ('data: {"choices": [{"message": {"content": "Yes."}}]}\r\n\r\n' + DONE,
                        "Yes.", None),
    "in parts": (event({"content": [{"type": "text", "text": "Yes."}]}, "stop"), "Yes.", None),
    "thoughts": (event({"content": "<think>Hm."}) + event({"content": "</think>Yes."}, "stop"),
                 "Yes.", None),
    "cut": (event({"content": "Ye"}, "length"), "Ye", Fault.CUT),
    "refused": (event({"refusal": "I "}) + event({"refusal": "can't."}, "stop"), "", Fault.REFUSED),
    "broken off": (event({"content": "Ye"}), "", Fault.MALFORMED),
    "no JSON": ("data: {nope\n\n", "", Fault.MALFORMED),
    "a list": ("data: []\n\n", "", Fault.MALFORMED),
    "no choice": ('data: {"choices": [3]}\n\n', "", Fault.MALFORMED),
    "an error": ('data: {"error": {"code": 401, "message": "bad key"}}\n\n', "",
                 Fault.UNAUTHORIZED),
    "no error": (event({"content": "Yes."}, "stop", error=None), "Yes.", None),
    "nothing": (": a remark\n\n", "", Fault.MALFORMED),
}  # fmt: skip


@pytest.mark.parametrize("stream", STREAMS)
def test_a_stream_that_nobody_asked_for_is_read_as_the_reply_that_it_makes_up(stream: str) -> None:
    sent, text, fault = STREAMS[stream]

    async def answer(call: Call) -> None:
        await call.send(sent.encode(), kind="text/event-stream")

    with Server(answer) as server:
        (found,) = asked(server)
    assert (found.text, found.fault) == (text, fault)


def thinking(tokens: int, most: int = 100_000, text: str | None = None) -> Answering:
    """Answer like a model that thinks for so many tokens, at a server that takes bounds so far."""

    async def answer(call: Call) -> None:
        bound = call.said.get("max_completion_tokens", call.said.get("max_tokens"))
        usage = {"prompt_tokens": 9, "completion_tokens": min(bound or 0, tokens)}
        if bound is None or bound > most:
            said = "maximum context length exceeded"
            await call.send(json.dumps({"error": {"message": said}}).encode(), 400)
        elif bound < tokens:
            await call.send(completion(text, "length", usage=usage))
        else:
            await call.send(completion(usage=usage))

    return answer


ROOMS: dict[str, tuple[Answering, list[int], Fault | None]] = {
    "thinks a little": (thinking(300), [20, 520, 520], None),
    "thinks much": (thinking(5000), [20, 520, 2020, 8020, 8020], None),
    "a small window": (thinking(1500, 2500), [20, 520, 2020, 2020], None),
    "too small a window": (thinking(5000, 2500), [20, 520, 2020, 8020, 2020, 20], Fault.CUT),
    "never done": (thinking(99_999), [20, 520, 2020, 8020, 20], Fault.CUT),
    "talks on": (thinking(1500, text="And so on"), [20, 520, 20], Fault.CUT),
}


@pytest.mark.parametrize("row", ROOMS)
def test_a_reply_that_was_cut_off_is_given_more_room_which_is_remembered(row: str) -> None:
    script, bounds, fault = ROOMS[row]
    with Server(script) as server:
        first, second = asked(server, [ASK, ASK])
        assert [call.said["max_completion_tokens"] for call in server.calls] == bounds
    assert (first.fault, second.fault) == (fault, fault)
    assert first.retries == (0 if fault else len(bounds) - 2)
    assert first.spent.requests == len(bounds) - 1


def test_one_prompt_that_a_server_refuses_leaves_the_room_of_others_as_it_is() -> None:
    async def answer(call: Call) -> None:
        if "x" in call.said["messages"][0]["content"]:
            await call.send(b"{}", 400)
        else:
            await thinking(300)(call)

    odd = replace(ASK, turns=(Turn("user", "x"),))
    with Server(answer) as server:
        found = asked(server, [ASK, odd, ASK])
        bounds = [call.said["max_completion_tokens"] for call in server.calls]
    assert [one.fault for one in found] == [None, Fault.REJECTED, None]
    assert bounds == [20, 520, 520, 20, 520]


def test_the_room_that_thoughts_need_fits_under_the_budget() -> None:
    worst = ASK.most_read + 520
    with Server(thinking(300)) as server:
        for tokens, fault in ((worst, Fault.BUDGET), (worst + 29, None)):
            with ModelPool([Provider("m", server.url)], Budget(tokens=tokens), cache=0) as pool:
                assert pool.ask_all([ASK])[0].fault is fault
                assert pool.budget.settled.tokens == (29 if fault else 29 + 309)


def test_headers_and_the_query_of_an_address_go_with_each_request_and_are_shown_nowhere() -> None:
    async def leaky(call: Call) -> None:
        if len(server.calls) == 1:
            await call.send(completion(f"I saw {CANARY} and {CANARY[::-1]}."))
            return
        said = {"error": {"message": f"bad header {CANARY[::-1]}"}}
        await call.send(json.dumps(said).encode(), 401)

    with Server(leaky) as server:
        url = f"{server.url}?api-version=2024-10-21"
        headers = {"api-key": "{key}", "X-Own": CANARY[::-1]}
        provider = Provider("m", url, Secret(CANARY), headers=headers)
        with ModelPool([provider], cache=0) as pool:
            first, second = pool.ask_all([ASK])[0], pool.ask_all([ASK])[0]
    head = server.calls[0].head
    assert "POST /v1/chat/completions?api-version=2024-10-21 HTTP/1.1" in head
    assert f"api-key: {CANARY}" in head
    assert CANARY[::-1] in head
    shown = f"{first!r} {second!r} {provider!r}"
    assert CANARY not in shown
    assert CANARY[::-1] not in shown
    assert first.text == "I saw [secret] and [secret]."


@pytest.mark.parametrize(
    "query", ["?api-version=&key=abc", "?a=1&a=2&b", "?a=x%26y%20z+w&c=%C3%BC"]
)
def test_the_query_of_an_address_goes_with_each_request_as_it_was_written(query: str) -> None:
    vectors = {"data": [{"index": n, "embedding": [1.0, 0.0]} for n in range(2)]}

    async def answer(call: Call) -> None:
        is_alike = "/embeddings" in call.head
        await call.send(json.dumps(vectors).encode() if is_alike else completion())

    with Server(answer) as server:
        provider = Provider("m", server.url + query)
        with ModelPool([provider], cache=0, embeddings=provider) as pool:
            said = pool.ask_all([ASK, Ask((Turn("user", "a"),), alike=("b",))])
        lines = {call.head.splitlines()[0] for call in server.calls}
    assert [answer.fault for answer in said] == [None, None]
    assert lines == {f"POST /v1/{of}{query} HTTP/1.1" for of in ("chat/completions", "embeddings")}


@pytest.mark.parametrize("headers", [{"a b": "x"}, {"a": "x\r\nB: y"}, {"": "x"}, {"a": "ü"}])
def test_a_header_that_is_none_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(InputError, match="A header has a name"):
        Provider("m", headers=headers)


def test_who_else_can_be_asked_is_while_there_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[float] = []

    async def busy(_self: ProviderClient, _ask: Ask, deadline: float, patience: float) -> Answer:
        left.append(deadline - patience)
        raise ModelError(Fault.RATE_LIMITED)

    monkeypatch.setattr(ProviderClient, "ask", busy)
    providers = [Provider("m", "http://127.0.0.1:1/v1"), Provider("n", "http://127.0.0.1:2/v1")]
    with ModelPool(providers, cache=0) as pool:
        pool.ask_all([ASK], seconds=24.0)  # less than a call may take
    assert left[0] == pytest.approx(12.0, abs=5.0)
    assert left[1:] == [0.0]


def test_how_long_a_server_asks_to_wait_is_read_in_every_form() -> None:
    assert _wait({"retry-after": "1.5"}) == 1.5
    assert _wait({"retry-after-ms": "250", "retry-after": "9"}) == 0.25
    assert _wait({"retry-after": "1e9"}) == 86_400
    soon = _wait({"retry-after": formatdate(time() + 30, usegmt=True)})
    assert soon is not None
    assert 25 < soon <= 30
    assert _wait({"retry-after": "Mon, 01 Jan 2001 00:00:00 GMT"}) == 0
    for absurd in ({}, {"retry-after": "soon"}, {"retry-after": "-1"}, {"retry-after": "nan"}):
        assert _wait(absurd) is None


FINAL = "<|start|>assistant<|channel|>final<|message|>"
THOUGHTS = {
    f"<think>{'x' * 9000}</think>Yes.": "Yes.",
    "<think>Hm {no}.</think>\n\nYes.": "Yes.",
    "the template began it</think>Yes.": "Yes.",
    "<think>a</think>b<think>c</think>Yes.": "Yes.",
    "Yes.": "Yes.",
    "<think>never done": "",
    "": "",
    "<thinking>Hm.</thinking>Yes.": "Yes.",
    '<Think type="x">Hm.</Think >Yes.': "Yes.",
    "<THINKING>never done": "",
    "◁think▷Hm.◁/think▷Yes.": "Yes.",
    "◁think▷never done": "",
    f"<|channel|>analysis<|message|>Hm.<|end|>{FINAL}Yes.": "Yes.",
    "<|channel|>final <|constrain|>json<|message|>{}<|return|>": "{}",
    "<|channel|>analysis<|message|>never done": "",
    "I thinking>of": "I thinking>of",
}
SAYS = json.dumps({"act": "post", "text": "<think> twice </think>, I <thinking> say ◁think▷"})
SPOKEN = [
    "{}", "```json\n{}\n```", "<think>Hm {no}.</think>{}", '<think>{"act": "like"}</think>\n{}',
    "<think>a</think>b</think>```\n{}\n```", '◁think▷{"act": "like"}◁/think▷{}',
    '<|channel|>analysis<|message|>{"a": 1}<|end|><|channel|>final<|message|>{}<|return|>',
]  # fmt: skip


@pytest.mark.parametrize("said", SPOKEN)
def test_an_answer_that_speaks_of_thoughts_is_left_whole(said: str) -> None:
    assert object_in(reply_of(completion(said.replace("{}", SAYS))).text) == json.loads(SAYS)


@pytest.mark.parametrize(
    "content", [3, {}, ["Yes."], [{"type": "text"}], [{"type": "text", "text": 5}], [{}], True]
)
def test_a_content_that_is_no_text_is_malformed(content: object) -> None:
    with pytest.raises(ModelError, match="the content is no text") as wrong:
        reply_of(completion(content))
    assert wrong.value.fault is Fault.MALFORMED


@pytest.mark.parametrize("said", ["<think ", "</think>{", "<|channel|>final", "```x ", "◁think▷"])
def test_a_hostile_reply_is_read_in_no_time(said: str) -> None:
    began = monotonic()
    reply_of(completion(said * 60_000))
    assert monotonic() - began < 5


THINKING = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
PARTS: list[tuple[object, str]] = [
    ([{"type": "text", "text": "Yes."}], "Yes."),
    ([THINKING, {"type": "text", "text": "Y"}, {"type": "output_text", "text": "es."}], "Yes."),
    ([{"type": "text", "text": "<think>Hm.</think>"}, {"type": "text", "text": "Yes."}], "Yes."),
    ([THINKING], ""),
    ([], ""),
]


@pytest.mark.parametrize(("content", "said"), [*THOUGHTS.items(), *PARTS])
def test_what_a_model_thinks_aloud_is_no_part_of_its_reply(content: object, said: str) -> None:
    reply = reply_of(completion(content))
    assert (reply.text, reply.fault) == (said, None if said else Fault.EMPTY)


ONE = {"act": "like", "post": 1}


@pytest.mark.parametrize(
    "said",
    [
        "{}", "```json\n{}\n```", "Sure, here it is: {} I hope that helps!", "{}\n{}",
        "A set {1, 2} and then {}", "I weigh {it} and say\n\n{}",
    ],
)  # fmt: skip
def test_the_one_object_in_a_reply_is_found(said: str) -> None:
    assert object_in(said.replace("{}", json.dumps(ONE))) == ONE


@pytest.mark.parametrize(
    "said",
    [
        "", "no", "[]", "3", '{"act": "like"', "{'act': 'like'}",
        '{"act": "like"} or {"act": "post"}', "{" * 500, '{"a":' * 5000,
    ],
)  # fmt: skip
def test_a_reply_with_no_object_or_several_is_malformed(said: str) -> None:
    with pytest.raises(ModelError) as wrong:
        object_in(said)
    assert wrong.value.fault is Fault.MALFORMED


@given(st.text())
def test_no_reply_raises_anything_but_malformed(said: str) -> None:
    with suppress(ModelError):
        assert isinstance(object_in(said), dict)
