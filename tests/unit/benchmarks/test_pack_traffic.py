"""What a compiled program reads and writes is summed from its text."""

from benchmarks.packs.traffic import moved, read

PROGRAM = """
%inner (p: f32[8,10], q: s32[]) -> f32[1,10] {
  %p = f32[8,10]{1,0} parameter(0)
  %q = s32[] parameter(1)
  ROOT %part = f32[1,10]{1,0} dynamic-slice(%p, %q, %q), dynamic_slice_sizes={1,10}
}

%body (carry: (f32[8,10], s32[])) -> (f32[8,10], s32[]) {
  %carry = (f32[8,10]{1,0}, s32[]) parameter(0)
  %all = f32[8,10]{1,0} get-tuple-element(%carry), index=0
  %at = s32[] get-tuple-element(%carry), index=1
  %row = f32[1,10]{1,0} fusion(%all, %at), kind=kLoop, calls=%inner
  %new = f32[8,10]{1,0} dynamic-update-slice(%all, %row, %at, %at)
  ROOT %next = (f32[8,10]{1,0}, s32[]) tuple(%new, %at)
}

ENTRY %main (x: f32[8,10], w: bf16[10,10]) -> f32[8,10] {
  %x = f32[8,10]{1,0} parameter(0)
  %w = bf16[10,10]{1,0} parameter(1)
  %product = f32[8,10]{1,0} dot(%x, %w), lhs_contracting_dims={1}, rhs_contracting_dims={0}
  %start = s32[] constant(0)
  %carry = (f32[8,10]{1,0}, s32[]) tuple(%product, %start)
  %loop = (f32[8,10]{1,0}, s32[]) while(%carry), body=%body, condition=%c, \
backend_config={"known_trip_count":{"n":"32"}}
  ROOT %out = f32[8,10]{1,0} get-tuple-element(%loop), index=0
}
"""


def test_operations_move_what_they_take_and_return_as_often_as_they_run():
    program, entry = read(PROGRAM)
    rows = {one.name: (one.bytes, one.launches) for one in moved(program, entry)}
    assert rows == {
        "product": (320 + 200 + 320, 1),
        "row": (32 * (40 + 4 + 40), 32),  # the slice, not the array that it is taken from
        "new": (32 * (40 + 40), 32),  # in place
    }
