import { describe, expect, it, test } from '@jest/globals';
import fc from 'fast-check';
import { encodeFrame, fromJson, JsonFormError, toJson, type MessageJson } from '../../src/framing/index.js';
import {
  messageCreators,
  NewExtendedMiningJob,
  OpenStandardMiningChannel,
  RequestTransactionDataSuccess,
  SetNewPrevHash,
  SetNewPrevHashTemplate,
  SubmitSharesExtended,
  SubmitSharesStandard,
  UnknownMessage,
  userIdentityTlv,
  type Message,
} from '../../src/messages/index.js';
import { messageArbitrary, tlvsArbitrary, unknownMessageArbitrary } from '../../src/testing/arbitraries.js';

const throughText = (message: Message): Message => fromJson(JSON.parse(JSON.stringify(toJson(message))));

const share = { channelId: 1, sequenceNumber: 2, jobId: 3, nonce: 4, ntime: 5, version: 6 };
const shareJson = {
  name: 'SubmitSharesStandard',
  messageType: 26,
  extensionType: 0,
  channelMsg: true,
  payload: share,
};

describe('the JSON form', () => {
  it('of a share is the one the command line promises', () => {
    expect(JSON.stringify(toJson(SubmitSharesStandard(share)))).toBe(
      '{"name":"SubmitSharesStandard","messageType":26,"extensionType":0,"channelMsg":true,"payload":' +
        '{"channelId":1,"sequenceNumber":2,"jobId":3,"nonce":4,"ntime":5,"version":6}}',
    );
  });

  it('has byte strings in lower-case hex, U64 as decimal strings, OPTION as value or null', () => {
    const job = NewExtendedMiningJob({
      channelId: 1,
      jobId: 2,
      minNtime: null,
      version: 3,
      versionRollingAllowed: true,
      merklePath: [new Uint8Array(32).fill(0xab)],
      coinbaseTxPrefix: Uint8Array.of(0, 0xff),
      coinbaseTxSuffix: new Uint8Array(0),
    });
    expect(toJson(job).payload).toEqual({
      channelId: 1,
      jobId: 2,
      minNtime: null,
      version: 3,
      versionRollingAllowed: true,
      merklePath: ['ab'.repeat(32)],
      coinbaseTxPrefix: '00ff',
      coinbaseTxSuffix: '',
    });
    expect(toJson({ ...job, minNtime: 7 }).payload).toMatchObject({ minNtime: 7 });
    const data = RequestTransactionDataSuccess({
      templateId: 2n ** 64n - 1n,
      excessData: new Uint8Array(0),
      transactionList: [Uint8Array.of(1), Uint8Array.of(2, 3)],
    });
    expect(toJson(data).payload).toEqual({
      templateId: '18446744073709551615',
      excessData: '',
      transactionList: ['01', '0203'],
    });
  });

  it('has the TLVs beside the payload, if there are any', () => {
    const values = { ...share, extranonce: Uint8Array.of(9) };
    const tagged = SubmitSharesExtended(values, [userIdentityTlv('Worker_001')]);
    expect(toJson(tagged).tlvs).toEqual([{ extensionType: 2, fieldType: 1, value: '576f726b65725f303031' }]);
    expect(toJson(SubmitSharesExtended(values))).not.toHaveProperty('tlvs');
  });

  it('has the name of the specification for both SetNewPrevHash', () => {
    const mining = SetNewPrevHash.decode(new Uint8Array(SetNewPrevHash.schema.minSize));
    const template = SetNewPrevHashTemplate.decode(new Uint8Array(SetNewPrevHashTemplate.schema.minSize));
    expect(toJson(mining)).toMatchObject({ name: 'SetNewPrevHash', messageType: 32 });
    expect(toJson(template)).toMatchObject({ name: 'SetNewPrevHash', messageType: 114 });
    expect([throughText(mining), throughText(template)]).toEqual([mining, template]);
  });

  it('of an unknown message has all bytes as hex', () => {
    const message = UnknownMessage({
      extensionType: 0x0abc,
      messageType: 7,
      channelMessage: true,
      payload: Uint8Array.of(1, 2, 0xff),
    });
    expect(toJson(message)).toEqual({
      name: 'Unknown',
      messageType: 7,
      extensionType: 0x0abc,
      channelMsg: true,
      payload: '0102ff',
    });
    expect(throughText(message)).toEqual(message);
  });

  it('has strings for the F32 values that JSON has no numbers for', () => {
    const open = OpenStandardMiningChannel.decode(new Uint8Array(OpenStandardMiningChannel.schema.minSize));
    const forms = [
      [NaN, 'NaN'],
      [Infinity, 'Infinity'],
      [-Infinity, '-Infinity'],
      [-0, '-0'],
      [1.5e12, 1.5e12],
    ] as const;
    for (const [nominalHashRate, form] of forms) {
      const message = { ...open, nominalHashRate };
      expect(toJson(message).payload).toMatchObject({ nominalHashRate: form });
      expect(throughText(message)).toEqual(message);
    }
  });
});

describe('JSON text brings back', () => {
  test.each(messageCreators.map((creator) => [creator.type, creator] as const))('%s', (_, creator) => {
    const messages = fc
      .tuple(messageArbitrary(fc, creator), fc.option(tlvsArbitrary(fc), { nil: undefined }))
      .map(([message, tlvs]) => creator(message as never, tlvs) as unknown as Message);
    fc.assert(
      fc.property(messages, (message) => {
        const back = throughText(message);
        expect(back).toEqual(message);
        expect(encodeFrame(back)).toEqual(encodeFrame(message));
      }),
      { seed: 42, numRuns: 40 },
    );
  });

  it('unknown messages', () => {
    fc.assert(
      fc.property(unknownMessageArbitrary(fc), (message) => {
        expect(throughText(message)).toEqual(message);
      }),
      { seed: 42 },
    );
  });
});

describe('a message is found', () => {
  const expected = SubmitSharesStandard(share);

  it('by its numbers, or by its name alone', () => {
    expect(fromJson({ messageType: 26, payload: share })).toEqual(expected);
    expect(fromJson({ messageType: 26, extensionType: 0, payload: share })).toEqual(expected);
    expect(fromJson({ name: 'SubmitSharesStandard', payload: share })).toEqual(expected);
    const request = { name: 'RequestExtensions', payload: { requestId: 1, requestedExtensions: [2] } };
    expect(fromJson(request)).toMatchObject({ type: 'RequestExtensions' });
    expect(fromJson({ ...request, name: undefined, messageType: 0, extensionType: 1 })).toMatchObject({
      type: 'RequestExtensions',
    });
  });

  it('by its type, where two share a name', () => {
    const payload = {
      templateId: 5,
      prevHash: '00'.repeat(32),
      headerTimestamp: 1,
      nBits: 2,
      target: 'ff'.repeat(32),
    };
    const message = fromJson({ name: 'TemplateDistribution.SetNewPrevHash', payload });
    expect(message).toMatchObject({ type: 'TemplateDistribution.SetNewPrevHash', templateId: 5n });
    expect(fromJson({ name: 'SetNewPrevHash', messageType: 0x72, payload })).toEqual(message);
  });

  it('as unknown, with any numbers, under the name Unknown or if nothing has its numbers', () => {
    const raw = { name: 'Unknown', messageType: 26, channelMsg: true, payload: '00FF' };
    const message = UnknownMessage({
      extensionType: 0,
      messageType: 26,
      channelMessage: true,
      payload: Uint8Array.of(0, 255),
    });
    expect(fromJson(raw)).toEqual(message);
    expect(fromJson({ messageType: 26, extensionType: 3, channelMsg: true, payload: '00ff' })).toEqual({
      ...message,
      extensionType: 3,
    });
  });
});

describe('a form that is wrong', () => {
  const values = { ...share, extranonce: '' };
  const tlv = { extensionType: 2, fieldType: 1, value: '' };
  const open = { requestId: 1, userIdentity: '', nominalHashRate: 1, maxTarget: '00'.repeat(32) };
  const openAs = (change: object) => ({ name: 'OpenStandardMiningChannel', payload: { ...open, ...change } });
  const shareAs = (change: object) => ({ ...shareJson, payload: { ...share, ...change } });

  test.each<readonly [string, unknown, string]>([
    ['wrong-json-form', 7, 'expected an object, got 7'],
    ['wrong-json-form', null, 'expected an object, got null'],
    ['wrong-json-form', [], 'expected an object, got []'],
    ['missing-json-key', {}, "expected a 'name' or a 'messageType'"],
    ['unknown-json-key', { ...shareJson, tlv: [] }, 'unknown key "tlv", known are name, messageType,'],
    ['unknown-message-name', { name: 'SubmitShares' }, 'name: there is no message "SubmitShares"'],
    [
      'ambiguous-message-name',
      { name: 'SetNewPrevHash', payload: {} },
      "name: 'SetNewPrevHash' names 2 messages, expected a messageType as well: 32 (SetNewPrevHash) or 114 (Tem",
    ],
    [
      'contradicting-json-key',
      { ...shareJson, messageType: 27 },
      'name: messageType 27 of extensionType 0 is \'SubmitSharesExtended\', not "SubmitSharesStandard"',
    ],
    [
      'contradicting-json-key',
      { ...shareJson, extensionType: 5 },
      'name: messageType 26 of extensionType 5 is no',
    ],
    [
      'contradicting-json-key',
      { ...shareJson, channelMsg: false },
      'channelMsg: SubmitSharesStandard has true, got',
    ],
    [
      'contradicting-json-key',
      { name: 'SetTarget', extensionType: 1 },
      'extensionType: SetTarget has 0, got 1',
    ],
    ['missing-json-key', { name: 'SetTarget' }, 'payload: missing, expected an object of the fields'],
    ['wrong-json-form', { ...shareJson, payload: '00' }, 'payload: expected an object, got "00"'],
    [
      'missing-json-key',
      shareAs({ nonce: undefined }),
      'payload.nonce: missing, expected an integer from 0 to 42949',
    ],
    [
      'unknown-json-key',
      shareAs({ extranonce: '' }),
      'payload: unknown key "extranonce", known are channelId, seq',
    ],
    ['wrong-json-form', shareAs({ nonce: '4' }), 'payload.nonce: expected a number, got "4"'],
    [
      'value-out-of-range',
      shareAs({ nonce: -1 }),
      'SubmitSharesStandard.nonce: expected an integer from 0 to',
    ],
    [
      'wrong-json-form',
      openAs({ maxTarget: '0' }),
      'payload.maxTarget: expected an even number of hex digits as a',
    ],
    [
      'wrong-json-form',
      openAs({ maxTarget: 'zz' }),
      'payload.maxTarget: expected an even number of hex digits as',
    ],
    [
      'wrong-json-form',
      openAs({ maxTarget: [0] }),
      'payload.maxTarget: expected an even number of hex digits as',
    ],
    [
      'value-out-of-range',
      openAs({ maxTarget: '00' }),
      'OpenStandardMiningChannel.maxTarget: expected 32 bytes, got 1',
    ],
    [
      'missing-json-key',
      openAs({ maxTarget: undefined }),
      'payload.maxTarget: missing, expected 32 bytes as a strin',
    ],
    [
      'wrong-json-form',
      openAs({ nominalHashRate: '1' }),
      'payload.nominalHashRate: expected a number, "NaN", "Inf',
    ],
    ['wrong-json-form', openAs({ userIdentity: 1 }), 'payload.userIdentity: expected a string, got 1'],
    [
      'value-out-of-range',
      openAs({ userIdentity: '\uD800' }),
      'OpenStandardMiningChannel.userIdentity: lone',
    ],
    [
      'wrong-json-form',
      { name: 'RequestTransactionData', payload: { templateId: '-1' } },
      'payload.templateId: expected an integer from 0 to 18446744073709551615 as a decimal string, got "-1"',
    ],
    [
      'wrong-json-form',
      { name: 'RequestTransactionData', payload: { templateId: 2 ** 60 } },
      'payload.templateId: ',
    ],
    [
      'wrong-json-form',
      { name: 'SetGroupChannel', payload: { groupChannelId: 1, channelIds: [1, null] } },
      'payload.channelIds[1]: expected a number, got null',
    ],
    [
      'wrong-json-form',
      { ...shareJson, messageType: 27, name: undefined, payload: values, tlvs: {} },
      'tlvs: expected',
    ],
    [
      'missing-json-key',
      { messageType: 27, payload: values, tlvs: [tlv, { ...tlv, value: undefined }] },
      'tlvs[1].value: missing, expected hex',
    ],
    [
      'unknown-json-key',
      { messageType: 27, payload: values, tlvs: [{ ...tlv, length: 0 }] },
      'tlvs[0]: unknown key "length", known are extensionType, fieldType, value',
    ],
    [
      'value-out-of-range',
      { messageType: 27, payload: values, tlvs: [{ ...tlv, fieldType: 256 }] },
      'SubmitSharesExtended.tlvs[0]: expected extensionType 0 to 65535',
    ],
    ['missing-json-key', { name: 'Unknown', payload: '' }, 'messageType: missing, expected 0 to 255'],
    ['wrong-json-form', { messageType: 255, payload: {} }, 'payload: expected an even number of hex digits'],
    [
      'unknown-json-key',
      { messageType: 255, payload: '', tlvs: [] },
      'tlvs: the payload of an unknown message',
    ],
  ])('is refused as %s: %j', (code, form, message) => {
    const error = errorOf(() => fromJson(form));
    expect(error).toMatchObject({ code });
    expect((error as Error).message.slice(0, message.length)).toBe(message);
    if (code.includes('json')) expect(error).toBeInstanceOf(JsonFormError);
  });

  it('does not put large values into its error', () => {
    const form = shareAs({ nonce: 'x'.repeat(100_000) });
    expect((errorOf(() => fromJson(form)) as Error).message.length).toBeLessThan(200);
  });
});

test('the type of the form is what toJson gives', () => {
  const form: MessageJson = toJson(SubmitSharesStandard(share));
  expect(fromJson(form)).toEqual(SubmitSharesStandard(share));
});

function errorOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}
