"""Forty and more ways in which others' templates, questions and files were made to run code."""

from __future__ import annotations

import pytest

PAYLOADS = (
    # Jinja and its kin
    "{{ 7*7 }}",
    "{{ config }}",
    "{{ self.__init__.__globals__ }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ [].__class__.__base__.__subclasses__()[40]('/etc/passwd').read() }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ lipsum.__globals__['os'].system('id') }}",
    "{{ joiner.__init__.__globals__.os.environ }}",
    "{{ namespace.__init__.__globals__.os.environ }}",
    "{{ request|attr('application')|attr('\\x5f\\x5fglobals\\x5f\\x5f') }}",
    "{{ input.__class__ }}",
    "{{ input|attr('__class__') }}",
    "{{ input['__class__'] }}",
    "{{ input.__init__.__globals__ }}",
    "{{- input.upper() -}}",
    "{{input:>100000000}}",
    "{{ input",
    "{% for c in ().__class__.__base__.__subclasses__() %}{{ c }}{% endfor %}",
    "{% import os %}{{ os.system('id') }}",
    "{% set x = cycler.__init__.__globals__ %}{{ x }}",
    "{% include '/etc/passwd' %}",
    "{# comment #}",
    "{%- raw -%}{{ x }}{%- endraw -%}",
    "#{7*7}",
    "<%= `id` %>",
    "<% import os %>${os.system('id')}",
    "${7*7}",
    "$input ${input}",
    "${jndi:ldap://127.0.0.1/a}",
    "{{#with input}}{{this.constructor}}{{/with}}",
    "{{constructor.constructor('return process')()}}",
    # format strings
    "{input}",
    "{0}",
    "{}",
    "{input.__class__.__init__.__globals__}",
    "{0.__class__.__mro__[1]}",
    "{x!r:>{y}}",
    "{input:{width}}",
    "%s %d %(input)s %n",
    "%(__class__)s",
    'f\'{__import__("os").system("id")}\'',
    # other readers of text
    "!!python/object/apply:os.system ['id']",
    "!!python/name:os.system",
    "&a [*a, *a, *a]",
    "__import__('os').system('id')",
    "os.system",
    "modelhub.retrieval.loaders:markdown",
    "csubprocess\nPopen\n(S'id'\ntR.",
    "\x80\x04\x95cos\nsystem\n",
    '{"$ref": "file:///etc/passwd"}',
    '{"lc": 1, "type": "constructor", "id": ["os", "system"]}',
    "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>&e;",
    "`id` $(id) ; id | id && id",
    "\u202e{{ txet }}\u202c\u2028\u2029\u0085",
)


@pytest.fixture(params=PAYLOADS, ids=range(len(PAYLOADS)))
def payload(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def payloads() -> tuple[str, ...]:
    return PAYLOADS
