"""Money is whole minor units, and exact inside rules: never a float, never the built-in round, never a lossy `/`."""

import ast

import pytest

from tests.architecture.house import name, pure_files

MEANT = {
    "core/json_values.py": "a percentage is a number in JSON; amounts never come through here",
}


def _faults(tree: ast.AST) -> list[str]:
    refused = {id(node.args[1]) for node in ast.walk(tree) if _calls(node, "isinstance") and len(node.args) == 2}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            found.append(f"line {node.lineno}: the float {node.value}")
        elif isinstance(node, ast.Name) and node.id == "float" and id(node) not in refused:
            found.append(f"line {node.lineno}: float")
        elif _calls(node, "round"):
            found.append(f"line {node.lineno}: the built-in round (core.money rounds)")
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div) and not _is_exact(node):
            found.append(f"line {node.lineno}: a division (core.money divides and rounds; a Fraction is exact)")
    return found


def _calls(node: ast.AST, function: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function


def _is_exact(node: ast.AST) -> bool:
    """A quotient of Fractions loses nothing."""
    return any(_calls(inner, "Fraction") for inner in ast.walk(node))


def test_money_is_never_a_float():
    files = [path for path in pure_files() if name(path) not in MEANT]
    faults = {name(path): found for path in files if (found := _faults(ast.parse(path.read_text())))}
    assert not faults


@pytest.mark.parametrize(
    "code", ["x = 0.1", "x = float(y)", "x = round(y)", "x = a / b", "x /= 2", "def f(x: float): ..."]
)
def test_the_check_itself_bites(code):
    assert _faults(ast.parse(code))


@pytest.mark.parametrize("code", ["x = a // b", "x = Fraction(a) / b", "isinstance(x, float)", "x = Decimal('0.1')"])
def test_the_check_lets_pass_what_is_exact(code):
    assert not _faults(ast.parse(code))
