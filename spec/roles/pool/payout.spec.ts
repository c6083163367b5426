import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { serialiseTemplateOutputs } from '../../../src/bitcoin/index.js';
import { payEverythingTo } from '../../../src/roles/pool/payout.js';

describe("a pool's payout", () => {
  it('pays everything to one script', () => {
    const script = Uint8Array.of(0x6a, 0x01, 0xff);
    expect(payEverythingTo(script).outputs(312_500_000n)).toEqual([
      { value: 312_500_000n, scriptPubKey: script },
    ]);
  });

  it('asks for the room that its outputs take, whatever a block is worth', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 600 }),
        fc.bigInt({ min: 0n, max: 2_100_000_000_000_000n }),
        (script, value) => {
          const { outputs, room } = payEverythingTo(script);
          expect(room.coinbaseOutputMaxAdditionalSize).toBe(serialiseTemplateOutputs(outputs(value)).length);
        },
      ),
      { seed: 6 },
    );
  });

  it('counts signature operations four times', () => {
    const [opChecksig, opCheckmultisig] = [0xac, 0xae];
    const { room } = payEverythingTo(Uint8Array.of(opChecksig, opCheckmultisig));
    expect(room.coinbaseOutputMaxAdditionalSigops).toBe(4 * 21);
  });
});
