/** Random and mutated byte streams. */
import fc from 'fast-check';
import { encodeFrame } from '../../src/framing/frame.js';
import { messageCreators, type Message } from '../../src/messages/index.js';
import { messageArbitrary, unknownMessageArbitrary } from '../../src/testing/arbitraries.js';
import { setupConnection } from '../../src/testing/fixtures.js';

/** Any message, with any content. */
const message: fc.Arbitrary<Message> = fc.oneof(
  { weight: 4, arbitrary: fc.oneof(...messageCreators.map((creator) => messageArbitrary(fc, creator))) },
  { weight: 1, arbitrary: unknownMessageArbitrary(fc) },
) as fc.Arbitrary<Message>;

/** A change of some bytes. */
export type Mutation = (bytes: Uint8Array) => Uint8Array;
const spot = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(spot, fc.nat(7)).map(([at, bit]): Mutation => (bytes) => {
    const out = bytes.slice();
    const index = Math.floor(at * out.length);
    if (out.length > 0) out[index] = (out[index] as number) ^ (1 << bit);
    return out;
  }),
  fc.tuple(spot, fc.uint8Array({ minLength: 1, maxLength: 20 })).map(([at, bytesIn]): Mutation => (bytes) => {
    const index = Math.floor(at * bytes.length);
    return Buffer.concat([bytes.subarray(0, index), bytesIn, bytes.subarray(index)]);
  }),
  fc.tuple(spot, fc.integer({ min: 1, max: 20 })).map(([at, length]): Mutation => (bytes) => {
    const index = Math.floor(at * bytes.length);
    return Buffer.concat([bytes.subarray(0, index), bytes.subarray(index + length)]);
  }),
  spot.map(
    (at): Mutation =>
      (bytes) =>
        bytes.subarray(0, Math.floor(at * bytes.length)),
  ),
  fc.tuple(spot, spot).map(([from, to]): Mutation => (bytes) => {
    const cut = (at: number) => Math.floor(at * bytes.length);
    return Buffer.concat([bytes, bytes.subarray(cut(Math.min(from, to)), cut(Math.max(from, to)))]);
  }),
);

const random = fc.uint8Array({ maxLength: 300 });
const setup = fc.constantFrom<Message>(
  setupConnection('mining'),
  setupConnection('mining', { flags: 1 }),
  setupConnection('templateDistribution'),
);
/** A SetupConnection and whatever follows. */
export const conversation = fc
  .tuple(setup, fc.array(message, { maxLength: 8 }))
  .map(([first, rest]) => [first, ...rest]);
/** One to three changes. */
export const mutations = fc.array(mutation, { minLength: 1, maxLength: 3 });

/** The bytes after all changes. */
export const apply = (changes: readonly Mutation[], bytes: Uint8Array): Uint8Array =>
  changes.reduce((changed, change) => change(changed), bytes);
/** The frames of messages. */
const bytesOf = (messages: readonly Message[]): Uint8Array =>
  Buffer.concat(messages.map((each) => encodeFrame(each)));

/** Random bytes; random bytes after a good beginning; a conversation with changed bytes; one without. */
export const stream: fc.Arbitrary<Uint8Array> = fc.oneof(
  random,
  fc.tuple(conversation, random).map(([messages, bytes]) => Buffer.concat([bytesOf(messages), bytes])),
  fc.tuple(conversation, mutations).map(([messages, changes]) => apply(changes, bytesOf(messages))),
  fc.array(message, { maxLength: 8 }).map(bytesOf),
  conversation.map(bytesOf),
);
