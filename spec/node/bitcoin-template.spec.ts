import { describe, expect, it } from '@jest/globals';
import { fromDisplayHex } from '../../src/bitcoin/index.js';
import { templateParser } from '../../src/node/bitcoin-template.js';
import { coreTemplate, id } from './bitcoin-support.js';

const parse = (fields: object = {}) => templateParser('node:8332')(coreTemplate(fields));
const [first] = coreTemplate().transactions;

describe('templateParser', () => {
  it('understands Bitcoin Core', () => {
    expect(parse()).toEqual({
      longPollId: `${id(1)}7`,
      longPollUri: undefined,
      template: {
        type: 'BlockTemplate',
        height: 102,
        prevHash: fromDisplayHex(id(1)),
        version: 0x2000_0000,
        nbits: 0x207fffff,
        minTime: 1_700_000_000,
        currentTime: 1_700_000_100,
        coinbaseValue: 5_000_001_200n,
        segwit: true,
        sigopLimit: 80_000,
        weightLimit: 4_000_000,
        transactions: [
          {
            data: Uint8Array.of(1, 2),
            txid: fromDisplayHex(id(11)),
            wtxid: fromDisplayHex(id(21)),
            fee: 500n,
            sigops: 4,
            weight: 560,
            dependsOn: [],
          },
          {
            data: Uint8Array.of(3),
            txid: fromDisplayHex(id(12)),
            wtxid: fromDisplayHex(id(12)),
            fee: 700n,
            sigops: 0,
            weight: 400,
            dependsOn: [0],
          },
        ],
      },
    });
  });

  it('understands btcd, which has no rules, no commitment without witnesses, and short bits', () => {
    const { template, longPollId } = parse({
      rules: undefined,
      default_witness_commitment: undefined,
      coinbaseaux: { flags: '0b2f503253482f627463642f' },
      bits: '1d00ffff'.replace(/^0+/, ''),
      longpollid: `${id(1)}-1795407319`,
      transactions: [],
    });
    expect(template).toMatchObject({ segwit: false, nbits: 0x1d00ffff, transactions: [] });
    expect(longPollId).toBe(`${id(1)}-1795407319`);
    expect(parse({ bits: '3000001' }).template.nbits).toBe(0x0300_0001);
  });

  it('fills in what BIP 22 leaves open', () => {
    const { template, longPollId } = parse({
      mintime: undefined,
      sigoplimit: undefined,
      weightlimit: undefined,
      longpollid: undefined,
    });
    expect(template).toMatchObject({ minTime: 1_700_000_100, sigopLimit: 80_000, weightLimit: 4_000_000 });
    expect(longPollId).toBeUndefined();
  });

  it('takes a version with the top bit set for what it is', () => {
    expect(parse({ version: -1 }).template.version).toBe(0xffff_ffff);
  });

  it('keeps one copy of a transaction that is in several templates, under what it depends on in each', () => {
    const parser = templateParser('node:8332');
    const [one, two] = coreTemplate().transactions;
    const before = parser(coreTemplate()).template.transactions;
    const after = parser(
      coreTemplate({ transactions: [two, { ...one, fee: 900 }].map((entry) => ({ ...entry, depends: [] })) }),
    ).template.transactions;
    expect(after[0]?.data).toBe(before[1]?.data);
    expect(after[1]?.data).toBe(before[0]?.data);
    expect(after[0]?.dependsOn).toEqual([]);
    expect(after[1]?.fee).toBe(900n);
    // one that has not changed is the same object: a template provider keeps thousands of templates
    expect(
      parser(coreTemplate({ transactions: [two, one].map((entry) => ({ ...entry, depends: [] })) })).template
        .transactions[0],
    ).toBe(after[0]);
    parser(coreTemplate({ transactions: [] }));
    const afresh = parser(coreTemplate()).template.transactions;
    expect(afresh[0]?.data).not.toBe(before[0]?.data);
    expect(afresh[0]?.data).toEqual(before[0]?.data);
  });

  it.each<[string, object, RegExp]>([
    ['no coinbasevalue', { coinbasevalue: undefined }, /coinbasevalue/],
    ['a negative coinbasevalue', { coinbasevalue: -1 }, /coinbasevalue/],
    ['a fractional coinbasevalue', { coinbasevalue: 0.5 }, /coinbasevalue/],
    ['no height', { height: null }, /height/],
    ['a short previousblockhash', { previousblockhash: 'ab' }, /previousblockhash/],
    ['no transactions', { transactions: undefined }, /transactions/],
    ['a transaction without a fee', { transactions: [{ ...first, fee: undefined }] }, /transactions\.0\.fee/],
    ['a transaction without a weight', { transactions: [{ ...first, weight: undefined }] }, /0\.weight/],
    ['a transaction that is not hex', { transactions: [{ ...first, data: '0x01' }] }, /is not hex/],
    ['a transaction of half a byte', { transactions: [{ ...first, data: '012' }] }, /is not hex/],
    ['an empty transaction', { transactions: [{ ...first, data: '' }] }, /is not hex/],
    [
      'a transaction that depends on a later one',
      { transactions: [{ ...first, depends: [1] }] },
      /before one/,
    ],
    [
      'a transaction that depends on the coinbase',
      { transactions: [{ ...first, depends: [0] }] },
      /before one/,
    ],
    ['bits that are not hex', { bits: 'xyz' }, /bits/],
    ['bits that mean nothing', { bits: '2200ffff' }, /bits: nbits 0x2200ffff/],
    ['a version that is no number', { version: '1' }, /version/],
  ])('refuses %s', (_, fields, message) => {
    expect(() => parse(fields)).toThrow(
      expect.objectContaining({ code: 'invalid-answer', message: expect.stringMatching(message) }),
    );
  });

  it.each([null, 7, 'template', []])('refuses %p', (answer) => {
    expect(() => templateParser('node:8332')(answer)).toThrow(
      'the Bitcoin node at node:8332 is no block template',
    );
  });

  it('refuses blocks of rules that it does not know', () => {
    expect(() => parse({ rules: ['!segwit', '!taproot2'] })).toThrow(
      expect.objectContaining({ code: 'unsupported-rule', message: expect.stringContaining('taproot2') }),
    );
  });

  it.each([
    [['csv', '!segwit', 'taproot'], true],
    [['csv', 'segwit'], true],
    [['csv'], false],
    [[], false],
  ])('goes by the rules %j for SegWit: bcoin has a commitment long before it is active', (rules, segwit) => {
    expect(parse({ rules }).template.segwit).toBe(segwit);
    expect(parse({ rules, default_witness_commitment: undefined }).template.segwit).toBe(segwit);
  });

  describe('on a signet (BIP 325)', () => {
    const signet = ['csv', '!segwit', '!signet', 'taproot'];

    it.each(['51', '52', '60', '4f'])('takes blocks that nobody signs: challenge %s', (challenge) => {
      expect(parse({ rules: signet, signet_challenge: challenge }).template.segwit).toBe(true);
    });

    it.each([
      ['512103ad5e0edad18cb1f0fc0d28a3d4f1f3e445640337489abb10404f2d1e086be43051ae', '512103ad5e'],
      ['00', '00'],
      ['5151', '5151'],
      ['61', '61'],
      ['', ''],
      [undefined, 'missing'],
    ])('says what is missing where blocks must be signed: challenge %s', (challenge, named) => {
      const template = { rules: signet, signet_challenge: challenge };
      expect(() => parse(template)).toThrow(
        expect.objectContaining({
          code: 'signet-signature-needed',
          message: expect.stringMatching(
            new RegExp(
              `must be signed by those who run its signet \\(BIP 325, signet_challenge ${named}.*signetchallenge=51`,
            ),
          ),
        }),
      );
    });

    it('is asked about even where no rule says so', () => {
      expect(() => parse({ signet_challenge: '00' })).toThrow('must be signed');
      expect(() => parse({ rules: ['segwit', 'signet'] })).toThrow('must be signed');
      expect(() => parse({ signet_challenge: 'xyz' })).toThrow('signet_challenge');
    });
  });
});
