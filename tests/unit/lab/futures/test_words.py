import pytest

from sim.errors import InputError
from sim.lab.futures import future_in_words, message_in_words


def test_changes_are_parted_by_semicolons() -> None:
    name, said = future_in_words(
        "checked: do=fact-check when='share > 0.1; so' reach=0.2; text='It is open.' seeds=ids:3;"
        "recommender=blend; policy=rule; beta=0.1 gamma=0.2;"
    )
    assert name == "checked"
    assert said == {
        "interventions": [{"do": "fact-check", "when": "share > 0.1; so", "reach": 0.2}],
        "messages": [{"text": "It is open.", "seeds": "ids:3"}],
        "recommender": "blend",
        "policy": "rule",
        "parameters": {"beta": 0.1, "gamma": 0.2},
    }


def test_a_name_alone_does_nothing_and_words_that_are_no_values_stay() -> None:
    assert future_in_words("as it is") == ("as it is", {})
    assert future_in_words(" as it is: ") == ("as it is", {})
    assert future_in_words("a: do=ban agents=top:5:degree at=2")[1]["interventions"] == [
        {"do": "ban", "agents": "top:5:degree", "at": 2}
    ]
    assert message_in_words("text=7 seeds=3") == {"text": "7", "seeds": "3"}
    assert message_in_words("It's; 5 = 5.") == {"text": "It's; 5 = 5."}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (": do=ban", "has no name"),
        ("a: ban", "key=value, with quotes"),
        ("a: =3", "key=value, with quotes"),
        ("a: do=ban agents=", "'agents=' has no value"),
        ("a: do=ban do=hide", "given twice"),
        ("a: text='x", "has no partner"),
        ("a: recommender=blend slots=3", "separate them by a semicolon"),
    ],
)
def test_what_is_not_understood_is_said(words: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        future_in_words(words)
