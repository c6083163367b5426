/** The extranonce1 of each miner of Stratum V1: no two that are connected have the same. */
import { hexToBytes } from '../../codec/hex.js';

/** Bytes before those that a miner rolls: as many as most servers of Stratum V1 have. */
export const extranonce1Size = 4;

/** The extranonce1 of one miner, until it is released. */
export interface Sv1Extranonce {
  /** 4 bytes that no other miner has, nor are all zero, which some firmware takes for none. */
  readonly bytes: Uint8Array;
  /**
   * Becomes that of an earlier session if nobody has it by now. Sessions are named after their extranonce1.
   * @param sessionId whatever a miner says
   */
  resume(sessionId: string): void;
  /** Lets others have it. */
  release(): void;
}

/**
 * Gives out extranonces.
 * @param nextId hex digits of 32 bits, as `sv1JobIds` makes them
 */
export function sv1Extranonces(nextId: () => string): () => Sv1Extranonce {
  const inUse = new Set<string>();

  const free = (): string => {
    for (;;) {
      const id = nextId().padStart(2 * extranonce1Size, '0');
      if (!isZero(id) && !inUse.has(id)) return id;
    }
  };

  return () => {
    let id = free();
    let bytes = hexToBytes(id);
    inUse.add(id);
    return {
      get bytes() {
        return bytes;
      },
      resume(sessionId) {
        const wanted = sessionId.toLowerCase();
        if (!form.test(wanted) || isZero(wanted) || inUse.has(wanted)) return;
        inUse.delete(id);
        inUse.add(wanted);
        id = wanted;
        bytes = hexToBytes(id);
      },
      release() {
        inUse.delete(id);
        id = ''; // it may be another's by the time this is called again
      },
    };
  };
}

const form = /^[0-9a-f]{8}$/;

const isZero = (id: string): boolean => /^0*$/.test(id);
