import { deepStrictEqual } from 'node:assert/strict';
import { NewExtendedMiningJob, NewTemplate, SubmitSharesStandard } from 'rx-sv2';
import { handWrittenJob, handWrittenShare, handWrittenTemplate, type HandWritten } from './hand-written.js';
import { jsonJob, jsonShare, jsonTemplate, type JsonForm } from './json-form.js';
import { microseconds, takeTurns } from './measure.js';
import { extendedJob, share, template } from './messages.js';
import { amount, reach, speed, type Row, type Section } from './table.js';

const rounds = 9;
const variety = 64;

/** Encoding and decoding, beside codecs written by hand and beside JSON. */
export async function codecSections(): Promise<readonly Section[]> {
  const rows = [
    await measure('SubmitSharesStandard', share, SubmitSharesStandard, handWrittenShare, jsonShare, 2),
    await measure('NewExtendedMiningJob', extendedJob, NewExtendedMiningJob, handWrittenJob, jsonJob),
    await measure('NewTemplate', template, NewTemplate, handWrittenTemplate, jsonTemplate),
  ];
  return [
    {
      title: 'Payload codec',
      baseline: 'the same by hand, unchecked',
      rows: rows.flatMap(({ byHand }) => byHand),
    },
    { title: 'Payload codec', baseline: 'JSON, bytes in hex', rows: rows.map(({ json }) => json) },
  ];
}

async function measure<M>(
  what: string,
  messageOf: (index: number) => M,
  ours: HandWritten<NoInfer<M>>,
  byHand: HandWritten<NoInfer<M>>,
  json: JsonForm<NoInfer<M>>,
  target?: number,
): Promise<{ readonly byHand: readonly Row[]; readonly json: Row }> {
  const messages = Array.from({ length: variety }, (_, index) => messageOf(index));
  const payloads = messages.map((message) => byHand.encode(message));
  const lines = messages.map((message) => json.encode(message));
  messages.forEach((message, index) => {
    const payload = payloads[index] as Uint8Array;
    deepStrictEqual(ours.encode(message), payload);
    deepStrictEqual(ours.decode(payload), message);
    deepStrictEqual(byHand.decode(payload), message);
    deepStrictEqual(ours.encode(json.decode(lines[index] as string)), payload);
  });
  const at = <T>(items: readonly T[], index: number): T => items[index % variety] as T;

  const times = await takeTurns(rounds, {
    encode: microseconds((index) => ours.encode(at(messages, index))),
    handEncode: microseconds((index) => byHand.encode(at(messages, index))),
    decode: microseconds((index) => ours.decode(at(payloads, index))),
    handDecode: microseconds((index) => byHand.decode(at(payloads, index))),
    jsonEncode: microseconds((index) => json.encode(at(messages, index))),
    jsonDecode: microseconds((index) => json.decode(at(lines, index))),
  });
  const both = times.encode + times.decode;
  const jsonBoth = times.jsonEncode + times.jsonDecode;
  const size = `${payloads[0]?.length ?? 0} B`;
  return {
    byHand: [
      {
        what: `${what} encode, ${size}`,
        figure: amount(times.encode, 'µs'),
        baseline: amount(times.handEncode, 'µs'),
        ratio: speed(times.encode, times.handEncode),
        limit: 'range checks and a call for each field',
      },
      {
        what: `${what} decode, ${size}`,
        figure: amount(times.decode, 'µs'),
        baseline: amount(times.handDecode, 'µs'),
        ratio: speed(times.decode, times.handDecode),
        limit: 'a call for each field; views of byte fields',
      },
    ],
    json: {
      what: `${what} encode + decode`,
      figure: amount(both, 'µs'),
      baseline: amount(jsonBoth, 'µs'),
      ratio: speed(both, jsonBoth),
      ...(target === undefined ? {} : { target: reach(`≤ ${target} µs`, both <= target) }),
      limit: 'as above',
    },
  };
}
