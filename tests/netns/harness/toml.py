"""Writing a node's configuration: the harness's dictionaries as TOML."""

import json


def to_toml(config):
    """Tables are dictionaries, arrays of tables lists of dictionaries; a key without a value (None) is left out."""
    return "\n".join(_table((), config)) + "\n"


def merged(base, changes):
    """`changes` over `base`, table by table; neither is modified."""
    result = dict(base)
    for key, value in changes.items():
        old = result.get(key)
        result[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result


def _table(path, table):
    scalars = [f"{key} = {_value(value)}" for key, value in table.items()
               if value is not None and not _is_table(value) and not _is_tables(value)]
    lines = [f"[{'.'.join(path)}]", *scalars] if path else scalars
    for key, value in table.items():
        if _is_table(value):
            lines += _table((*path, key), value)
        elif _is_tables(value):
            for entry in value:
                lines += [f"[[{'.'.join((*path, key))}]]", *_table((), entry)]
    return lines


def _is_table(value):
    return isinstance(value, dict)


def _is_tables(value):
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _value(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(_value(entry) for entry in value)}]"
    return str(value) if isinstance(value, int) else json.dumps(str(value))
