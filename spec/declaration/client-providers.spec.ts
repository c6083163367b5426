import { describe, expect, it } from '@jest/globals';
import { begun, data, first, ofType, success, template, tip } from './client-support.js';
import { NOW } from './support.js';

describe('a template provider', () => {
  it('that does not answer is of no use, which is not for pool and declarator to answer for', () => {
    const { client } = begun({ requestTimeout: 5_000 });
    expect(client.tick(NOW + 4_999)).toMatchObject({ fault: null, providerFault: null });
    const late = client.tick(NOW + 5_000);
    expect(late.providerFault).toEqual({
      code: 'request-timeout',
      message: 'no answer to RequestTransactionData within 5000 ms',
    });
    expect(late.fault).toBeNull();
    expect(late.outcomes).toContainEqual({
      ...{
        type: 'OwnJobRefused',
        jobId: 1,
        by: 'template provider',
        errorCode: 'request-timeout',
        details: '',
      },
    });
    // once, and what comes late is not used
    expect(client.tick(NOW + 6_000).providerFault).toBeNull();
    expect(client.fromTemplates(data(1n), NOW + 6_000).toDeclarator).toEqual([]);
  });

  it('that goes away is not waited for, and the next one has work again', () => {
    const { client } = begun({ requestTimeout: 5_000 });
    client.templatesDisconnected();
    expect(client.tick(NOW + 60_000)).toMatchObject({ fault: null, providerFault: null });
    expect(ofType(client.templatesConnected().toTemplates, 'CoinbaseOutputConstraints')).toHaveLength(1);
    client.fromTemplates(template(2n), NOW);
    client.fromTemplates(tip(2n, 1), NOW);
    const declaration = first(client.fromTemplates(data(2n), NOW).toDeclarator, 'DeclareMiningJob');
    expect(ofType(success(client, declaration).toPool, 'SetCustomMiningJob')).toHaveLength(1);
  });

  it('of whose template no job can be made is at fault, and told so once', () => {
    const { client } = begun();
    const bad = { ...template(2n, false), coinbaseTxOutputsCount: 3 };
    const output = client.fromTemplates(bad, NOW);
    expect(output).toMatchObject({ fault: null, providerFault: { code: 'invalid-template' } });
    expect(output.providerFault?.message).toMatch(/^template 2, of which no job can be made: /);
    expect(client.tick(NOW).providerFault).toBeNull();
    // the declarator's answer leads to no second look at it
    const asked = first(client.fromTemplates(data(1n), NOW).toDeclarator, 'DeclareMiningJob');
    expect(success(client, asked)).toMatchObject({ fault: null, providerFault: null });
  });
});
