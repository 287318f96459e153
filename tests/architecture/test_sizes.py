"""Small enough to read: files under 400 lines, functions of about 25 and never over 70."""

import ast

from tests.architecture.house import name, python_files

LONGEST_FILE = 400
LONGEST_FUNCTION = 70


def test_no_file_is_too_long():
    """Split it by noun."""
    lengths = {name(path): len(path.read_text().splitlines()) for path in python_files()}
    assert not {path: lines for path, lines in lengths.items() if lines > LONGEST_FILE}


def test_no_function_is_too_long():
    too_long = {
        f"{name(path)}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for path in python_files()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION
    }
    assert not too_long
