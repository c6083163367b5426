import { Sv2Error } from '../codec/errors.js';

/** BIP 380: the position of a character gives its low 5 bits, and its group of 32 a symbol of its own. */
const INPUT_CHARSET =
  '0123456789()[],\'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#"\\ ';
const CHECKSUM_CHARSET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const GENERATOR = [0xf5dee51989n, 0xa9fdca3312n, 0x1bab10e32dn, 0x3706b1677an, 0x644d626ffdn] as const;

/**
 * The checksum of an output descriptor (BIP 380).
 *
 * @param descriptor without `#` and checksum
 * @returns 8 characters
 * @throws Sv2Error `invalid-descriptor` for a character descriptors can't hold
 */
export const descriptorChecksum = (descriptor: string): string => {
  let state = 1n;
  const feed = (symbol: number): void => {
    const top = state >> 35n;
    state = ((state & 0x7ffffffffn) << 5n) ^ BigInt(symbol);
    GENERATOR.forEach((term, bit) => {
      if ((top >> BigInt(bit)) & 1n) state ^= term;
    });
  };
  let groups: number[] = [];
  const feedGroups = (): void => {
    if (groups.length > 0) feed(groups.reduce((symbol, group) => symbol * 3 + group, 0));
    groups = [];
  };
  for (const character of descriptor) {
    const position = INPUT_CHARSET.indexOf(character);
    if (position < 0)
      throw new Sv2Error('invalid-descriptor', `a descriptor can't hold the character "${character}"`, {
        character,
      });
    feed(position & 31);
    groups.push(position >> 5);
    if (groups.length === 3) feedGroups();
  }
  feedGroups();
  for (let index = 0; index < 8; index++) feed(0);
  state ^= 1n;
  return Array.from(
    { length: 8 },
    (_, index) => CHECKSUM_CHARSET[Number((state >> BigInt(5 * (7 - index))) & 31n)],
  ).join('');
};
