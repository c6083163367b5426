import { describe, expect, it } from '@jest/globals';
import { assembleCoinbase, coinbaseTag, parseTransaction } from '../../../src/bitcoin/index.js';
import { jobFactory } from '../../../src/mining/work/job-factory.js';
import { codeOf } from '../../bitcoin/support.js';
import { payoutOutputs, payoutScript, template } from '../support.js';

describe('job factory', () => {
  it('makes one job of a template and a size, however many channels ask for it', () => {
    let asked = 0;
    const factory = jobFactory({
      payoutOutputs: (value) => {
        asked++;
        return payoutOutputs(value);
      },
    });
    const newTemplate = template(1);
    const job = factory.fromTemplate(newTemplate, 20);
    expect(factory.fromTemplate(newTemplate, 20)).toBe(job);
    expect(asked).toBe(1);
  });

  it('gives a template one job id for all sizes, and every other template another', () => {
    const factory = jobFactory({ payoutOutputs });
    const newTemplate = template(1);
    const first = factory.fromTemplate(newTemplate, 20);
    const second = factory.fromTemplate(newTemplate, 8);
    expect(second.jobId).toBe(first.jobId);
    expect(second.coinbase).not.toEqual(first.coinbase);
    // not even one with the same template id
    expect(factory.fromTemplate(template(1), 20).jobId).not.toBe(first.jobId);
    expect(first.jobId).toBeGreaterThan(0);
  });

  it('puts tag, extranonce, payout and the outputs of the template into the coinbase', () => {
    const tag = coinbaseTag('pool', 'miner');
    const { coinbase, solutionCoinbase } = jobFactory({ payoutOutputs, tag }).fromTemplate(template(1), 4);
    const extranonce = Uint8Array.of(1, 2, 3, 4);
    const stripped = parseTransaction(assembleCoinbase(coinbase, extranonce));
    const solution = parseTransaction(assembleCoinbase(solutionCoinbase, extranonce));
    const scriptSig = Uint8Array.of(2, 0x10, 0x27, tag.length, ...tag, 4, ...extranonce);
    expect(stripped.inputs[0]).toMatchObject({ scriptSig, witness: [] });
    expect(solution.inputs[0]).toMatchObject({ scriptSig, witness: [new Uint8Array(32)] });
    expect(stripped.outputs).toEqual(solution.outputs);
    expect(stripped.outputs[0]).toEqual({ value: 5_000_000_001n, scriptPubKey: payoutScript });
    expect(stripped.outputs).toHaveLength(2);
  });

  it('gives no witness to a block without a witness commitment', () => {
    const newTemplate = template(1, { coinbaseTxOutputsCount: 0, coinbaseTxOutputs: new Uint8Array() });
    const { coinbase, solutionCoinbase } = jobFactory({ payoutOutputs }).fromTemplate(newTemplate, 4);
    expect(solutionCoinbase).toEqual(coinbase);
  });

  it('refuses payouts above what the template leaves', () => {
    const greedy = jobFactory({ payoutOutputs: (value) => payoutOutputs(value + 1n) });
    expect(codeOf(() => greedy.fromTemplate(template(1), 20))).toBe('invalid-payout-sum');
  });
});
