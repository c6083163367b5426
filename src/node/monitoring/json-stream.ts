/** Large JSON in small pieces: neither writing it nor a reader that is slow to take it holds up anybody else. */
import { setImmediate } from 'node:timers/promises';

/** Entries of a list that are written at once. */
const entriesAtOnce = 200;

/** The JSON of an object, in pieces: its lists are cut. */
export function* jsonPieces(value: object): Generator<string, undefined> {
  let opening = '{';
  for (const [name, field] of Object.entries(value) as [string, unknown][]) {
    if (field === undefined) continue;
    const start = `${opening}${JSON.stringify(name)}:`;
    opening = ',';
    if (!Array.isArray(field) || field.length <= entriesAtOnce) {
      yield start + JSON.stringify(field);
      continue;
    }
    for (let from = 0; from < field.length; from += entriesAtOnce) {
      const entries = JSON.stringify(field.slice(from, from + entriesAtOnce)).slice(1, -1);
      yield `${from === 0 ? `${start}[` : ','}${entries}`;
    }
    yield ']';
  }
  yield opening === '{' ? '{}' : '}';
}

/** Pieces of text as the body of an answer: one at a time when the reader has taken the one before, others in between. */
export function textStream(pieces: Iterator<string, undefined>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        await setImmediate();
        const piece = pieces.next();
        if (piece.done === true) controller.close();
        else controller.enqueue(encoder.encode(piece.value));
      },
    },
    { highWaterMark: 0 },
  );
}
