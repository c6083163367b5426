import { Sv2Error } from './errors.js';

/** What went wrong while reading or writing a value of spec §3.1. */
export type CodecErrorCode =
  | 'truncated'
  | 'length-out-of-bounds'
  | 'value-out-of-range'
  | 'wrong-value-type'
  | 'trailing-bytes'
  | 'missing-field';

/** Where in a message a codec failed. `offset` counts bytes from the start of the payload. */
export interface CodecErrorPlace {
  readonly message?: string;
  readonly field?: string;
  readonly offset?: number;
}

/** A payload that does not follow spec §3.1, or a value that cannot be encoded by it. */
export class CodecError extends Sv2Error {
  override readonly name = 'CodecError';

  /**
   * @param code which rule was broken
   * @param problem what was wrong and what was expected, without the place
   * @param place message, field and byte offset, as far as known
   */
  constructor(
    override readonly code: CodecErrorCode,
    readonly problem: string,
    readonly place: CodecErrorPlace = {},
  ) {
    super(code, describe(problem, place), { ...place });
  }

  /**
   * Adds to the place, and to the message with it. It is the same error still: peers can cause these, and another
   * one at each level of a message, with its picture of the stack, costs more than reading the message.
   */
  at(place: CodecErrorPlace): this {
    const exact = { ...place, ...this.place, ...outerField(place, this.place) };
    return Object.assign(this, {
      place: exact,
      detail: { ...exact },
      message: describe(this.problem, exact),
    });
  }
}

function outerField(outer: CodecErrorPlace, inner: CodecErrorPlace): CodecErrorPlace {
  if (outer.field === undefined) return {};
  return { field: inner.field === undefined ? outer.field : `${outer.field}${inner.field}` };
}

function describe(problem: string, { message, field, offset }: CodecErrorPlace): string {
  const parts = [[message, field].filter((part) => part !== undefined).join('.')];
  if (offset !== undefined) parts.push(`at byte ${offset}`);
  const place = parts.filter((part) => part !== '').join(' ');
  return place === '' ? problem : `${place}: ${problem}`;
}
