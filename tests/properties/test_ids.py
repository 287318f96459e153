from concurrent.futures import ThreadPoolExecutor

from hypothesis import given, settings, strategies as st

from core import ids

prefixes = st.from_regex(r"[a-z][a-z0-9]{0,8}(_[a-z0-9]{1,8})?", fullmatch=True)


@given(prefixes, st.integers(1, 200))
def test_ids_sort_by_creation(prefix, count):
    made = [ids.new_id(prefix), *ids.new_ids(prefix, count), ids.new_id(prefix)]
    # Bytes, as C collation compares.
    assert made == sorted(set(made), key=str.encode)


@given(prefixes)
def test_an_id_tells_its_prefix(prefix):
    made = ids.new_id(prefix)
    assert ids.id_prefix(made) == prefix
    assert ids.is_id(made, prefix)
    assert len(made) == len(prefix) + 1 + ids.ID_WIDTH


@given(st.text(max_size=40), prefixes)
def test_any_text_can_be_asked_whether_it_is_an_id(text, prefix):
    assert ids.is_id(text, prefix) in (True, False)


@settings(max_examples=5)
@given(st.integers(2, 8))
def test_ids_never_repeat_over_threads(threads):
    def make(_: int) -> list[str]:
        return [ids.new_id("evt") for _ in range(1000)]

    with ThreadPoolExecutor(threads) as pool:
        batches = list(pool.map(make, range(threads)))
    made = [one for batch in batches for one in batch]
    assert len(set(made)) == threads * 1000
    assert all(batch == sorted(batch) for batch in batches)
