/** What a server makes of `mining.configure` (BIP 310). */
import { Sv1Error } from './errors.js';
import { own, type Json } from './json.js';
import type { Configure } from './methods.js';
import { number, u32 } from './params.js';

/** What was negotiated. */
export interface Negotiated {
  /** The result of the answer: what was asked for and nothing else, as some firmware takes nothing else. */
  readonly result: { readonly [name: string]: Json };
  /** Bits of the version that may be rolled; absent if that was not asked for. */
  readonly versionMask?: number;
  /** The least difficulty that the miner wants, above 0; absent if it wants none. */
  readonly minimumDifficulty?: number;
  /** Whether it understands `mining.set_extranonce`. */
  readonly takesExtranonce: boolean;
}

/** What a mask that was left out stands for (BIP 310). */
const anyBits = 0xffff_ffff;

/**
 * Answers a request to configure.
 * @param offeredMask the bits of the version that the server lets be rolled
 */
export function negotiate({ extensions, parameters }: Configure, offeredMask: number): Negotiated {
  const result: Record<string, Json> = {};
  const parameter = (name: string): Json | undefined => own(parameters ?? {}, name);
  let negotiated: Omit<Negotiated, 'result'> = { takesExtranonce: false };

  for (const extension of extensions) {
    switch (extension) {
      case 'version-rolling': {
        const asked = readOr(u32.read, parameter('version-rolling.mask'), anyBits);
        const versionMask = (asked & offeredMask) >>> 0;
        result['version-rolling'] = versionMask !== 0;
        if (versionMask !== 0) result['version-rolling.mask'] = u32.write(versionMask);
        negotiated = { ...negotiated, versionMask };
        break;
      }
      case 'minimum-difficulty': {
        const minimumDifficulty = readOr(number.read, parameter('minimum-difficulty.value'), 0);
        result['minimum-difficulty'] = minimumDifficulty > 0;
        if (minimumDifficulty > 0) negotiated = { ...negotiated, minimumDifficulty };
        break;
      }
      case 'subscribe-extranonce':
        result['subscribe-extranonce'] = true;
        negotiated = { ...negotiated, takesExtranonce: true };
        break;
      case 'info':
        result['info'] = true;
        break;
      default:
        // a name of `__proto__` would set a prototype otherwise
        Object.defineProperty(result, extension, { value: false, enumerable: true });
    }
  }
  return { ...negotiated, result };
}

/** What is left out, or is nothing that can be read, counts as if it had not been said. */
function readOr(read: (value: Json) => number, value: Json | undefined, otherwise: number): number {
  if (value === undefined || value === null) return otherwise;
  try {
    return read(value);
  } catch (error) {
    if (error instanceof Sv1Error) return otherwise;
    throw error;
  }
}
