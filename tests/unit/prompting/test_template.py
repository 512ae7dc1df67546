from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelhub.errors import ConfigError
from modelhub.prompting.template import Template


def test_only_names_in_double_braces_are_replaced() -> None:
    template = Template.parse("{{ product }}: {{input}} {{\tinput }}", ["product"])
    assert template.render({"product": "灯", "input": "防水？"}) == "灯: 防水？ 防水？"


def test_json_needs_no_escaping() -> None:
    """AT-H3: a template with literal JSON renders with no rules to learn."""
    text = '{"a": {"b": {"c": [1, {}]}}, "質問": "{{ input }}", "d": {"e": {{ input }}}}'
    assert Template.parse(text).render({"input": "x"}) == text.replace("{{ input }}", "x")


def test_a_value_is_never_looked_at_again(payload: str) -> None:
    """AT-H3: what is put in is put in as it is."""
    template = Template.parse("<{{ input }}|{{ other }}>", ["other"])
    assert template.render({"input": payload, "other": "{{ input }}"}) == f"<{payload}|{{{{ input }}}}>"


def test_a_payload_in_a_template_is_kept_as_it_is_or_refused(payload: str) -> None:
    """AT-H2: nothing in a template is evaluated."""
    try:
        template = Template.parse(f"{payload}\n{{{{ input }}}}", file="t.md")
    except ConfigError as error:
        refused = error
        assert "{{" in payload
        assert refused.message.startswith("t.md:1: ")
    else:
        assert template.render({"input": "question"}) == f"{payload}\nquestion"


def test_there_are_forty_payloads_or_more(payloads: tuple[str, ...]) -> None:
    assert len(set(payloads)) >= 40


@pytest.mark.parametrize(
    "expression",
    [
        "{{ input.upper() }}",
        "{{ input | upper }}",
        "{{ input['x'] }}",
        "{{- input -}}",
        "{{ input:>10 }}",
        "{{ input",
        "{{ tone + 1 }}",
    ],
)
def test_an_expression_on_a_known_name_is_refused_where_it_stands(expression: str) -> None:
    with pytest.raises(ConfigError, match=r"^t\.md:3: .*only puts values in") as caught:
        Template.parse(f"{{{{ input }}}}\n\n{expression} ", ["tone"], file="t.md")
    assert caught.value.line == 3


def test_a_name_that_nothing_has_is_refused_with_file_and_line() -> None:
    """AT-H3: a missing variable is a load-time error."""
    with pytest.raises(ConfigError, match=r"^prompts/t\.md:2: .*Did you mean 'input'\?"):
        Template.parse("{{ input }}\n{{ inptu }}", file="prompts/t.md")
    with pytest.raises(ConfigError, match=r"There are: input, tone\."):
        Template.parse("{{ input }} {{ 製品 }}", ["tone"])


@pytest.mark.parametrize("text", ["", "no place", "{input}", "{ { input } }", "{{ tone }}"])
def test_a_template_that_would_lose_the_question_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="the question would be lost"):
        Template.parse(text, ["tone"])


@given(before=st.text(alphabet="{} aé語\n%$#"), after=st.text(alphabet="{} aé語\n%$#"), value=st.text())
def test_every_other_character_is_kept(before: str, after: str, value: str) -> None:
    try:
        template = Template.parse(before + "{{ input }}" + after)
    except ConfigError:
        assert "{{" in before + "{"
        return
    assert template.render({"input": value}) == before + value + after


WATCHED = """
import json, sys
from modelhub.config.specs import PromptSpec
from modelhub.errors import ModelhubError
from modelhub.interfaces.content import Message
from modelhub.interfaces.passages import Passage, Span
from modelhub.interfaces.text import TextRequest
from modelhub.model import ModelCard
from modelhub.prompting.examples import Example, examples
from modelhub.prompting.strategies import Shots
from modelhub.prompting.strategy import Prompt
from modelhub.prompting.template import Template
from modelhub.retrieval.grounded import ground
from modelhub.retrieval.html import HtmlLoader
from modelhub.retrieval.loaders import MarkdownLoader

seen = []
armed = False

def watch(event, arguments):
    if armed:
        seen.append(event)

def tried(function, *arguments):
    try:
        return function(*arguments)
    except ModelhubError as error:
        return error

def everything(payload):
    tried(Template.parse, payload)
    template = tried(Template.parse, payload + "{{ input }}")
    if not isinstance(template, Template):
        template = Template.parse("{{ input }}{{ other }}", ["other"])
    prompt = Prompt(system=payload, template=template, variables={"other": payload}, examples=(Example(payload, payload),))
    passage = Passage(payload, payload, payload, Span(0, len(payload), 1, 1), heading=payload)
    request = Shots(1, None).shape(TextRequest(messages=(Message("user", payload),), passages=(passage,)), prompt)
    sent = ground(request, ModelCard(model="test:model", kind="text")).request
    assert payload in sent.messages[-1].text
    tried(examples, payload)
    tried(examples, json.dumps({"input": payload, "output": payload}))
    MarkdownLoader().load(payload.encode(), "a.md")
    HtmlLoader().load(payload.encode(), "a.html")

payloads = json.load(sys.stdin)
everything("{{ inpt }}")
everything("warm")
sys.addaudithook(watch)
armed = True
for payload in payloads:
    everything(payload)
found = sorted(set(seen) - {"array.__new__"})
seen.clear()
import colorsys
armed = False
print(json.dumps({"found": found, "the hook watches": "import" in seen and "exec" in seen}))
"""


def test_no_payload_has_any_effect_through_any_door(payloads: tuple[str, ...]) -> None:
    """AT-H2, AT-H3, AT-H4: no import, no code run or compiled, no file, process or connection, by an audit hook."""
    command = [sys.executable, "-X", "utf8", "-c", WATCHED]
    ran = subprocess.run(command, input=json.dumps(payloads), capture_output=True, encoding="utf-8", check=False)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {"found": [], "the hook watches": True}
