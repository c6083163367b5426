/** SHA-256 block by block over words in one place, as WebAssembly has them; here in JavaScript, for where there is none. */
import { compress, expandSchedule, PADDING, rounds } from './sha256.js';

/** SHA-256 over blocks in a memory of its own. Places are indexes of words. */
export interface Sha256Blocks {
  /** At least 64 words, as the functions below read them. */
  readonly words: Int32Array;
  /**
   * Takes a block into a state.
   *
   * @param state where the 8 words of the state are
   * @param block where the 16 words of the block are
   * @param output where the new state goes; may be `state`, or overlap the block
   */
  compress(state: number, block: number, output: number): void;
  /** As `compress`, with the block that pads a message of 64 bytes. */
  compressPadding(state: number, output: number): void;
}

/** The schedule of the block that pads a message of 64 bytes, which is always the same. */
export const PADDING_SCHEDULE = new Int32Array(64);
PADDING_SCHEDULE[0] = PADDING;
PADDING_SCHEDULE[15] = 8 * 64;
expandSchedule(PADDING_SCHEDULE);

/** {@link Sha256Blocks} in JavaScript. */
export const sha256Script = (): Sha256Blocks => {
  const words = new Int32Array(64);
  const views = new Map<number, Int32Array>();
  const at = (place: number): Int32Array => {
    let view = views.get(place);
    if (view === undefined) views.set(place, (view = words.subarray(place)));
    return view;
  };
  const schedule = new Int32Array(64);
  return {
    words,
    compress(state, block, output) {
      for (let index = 0; index < 16; index++) schedule[index] = words[block + index]!;
      compress(at(state), schedule, at(output));
    },
    compressPadding: (state, output) => rounds(at(state), PADDING_SCHEDULE, at(output)),
  };
};
