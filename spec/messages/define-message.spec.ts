import { describe, expect, it, test } from '@jest/globals';
import { B0_64K, CodecError, U32, type DataType } from '../../src/codec/index.js';
import {
  defineMessage,
  messageCreators,
  NewExtendedMiningJob,
  RequestTransactionDataSuccess,
  SetNewPrevHash,
  SetupConnection,
  SubmitSharesExtended,
  SubmitSharesStandard,
  UnknownMessage,
  userIdentityTlv,
  type MessageCreator,
} from '../../src/messages/index.js';

const share = { channelId: 1, sequenceNumber: 2, jobId: 3, nonce: 4, ntime: 5, version: 6 };

describe('a creator', () => {
  it('makes a plain object with a type', () => {
    expect(SubmitSharesStandard(share)).toEqual({ type: 'SubmitSharesStandard', ...share });
    expect(Object.keys(SubmitSharesStandard(share))[0]).toBe('type');
  });

  it('takes the fields of its schema and nothing else', () => {
    const other = { ...share, type: 'SetTarget', extra: 1, extranonce: new Uint8Array(2) };
    expect(SubmitSharesStandard(other)).toEqual(SubmitSharesStandard(share));
    const unknown = { messageType: 1, extensionType: 2, channelMessage: true, payload: new Uint8Array(4) };
    expect(UnknownMessage({ ...unknown, type: 'SetTarget' } as never)).toEqual({
      ...unknown,
      type: 'Unknown',
    });
  });

  it('takes TLVs apart from the fields', () => {
    const tlvs = [userIdentityTlv('w')];
    const values = { ...share, extranonce: new Uint8Array(2) };
    expect(SubmitSharesExtended(values, tlvs)).toEqual({ type: 'SubmitSharesExtended', ...values, tlvs });
    expect(SubmitSharesExtended(values)).not.toHaveProperty('tlvs');
  });

  it('recognises its messages', () => {
    expect(SubmitSharesStandard.match(SubmitSharesStandard(share))).toBe(true);
    expect(SubmitSharesExtended.match(SubmitSharesStandard(share))).toBe(false);
    expect(UnknownMessage.match(SubmitSharesStandard(share))).toBe(false);
  });
});

test('a message is laid out field after field, little-endian', () => {
  const payload = [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0];
  expect([...SubmitSharesStandard.encode(SubmitSharesStandard(share))]).toEqual(payload);
});

test('received byte fields are views of the payload', () => {
  const payload = SubmitSharesExtended.encode({ ...share, extranonce: Uint8Array.of(7, 8) });
  const { extranonce } = SubmitSharesExtended.decode(payload);
  payload[25] = 99;
  expect([...extranonce]).toEqual([99, 8]);
});

describe('encoding names the field', () => {
  const beyond = ({ kind }: DataType<unknown>): unknown => {
    switch (kind.is) {
      case 'integer':
        return kind.max + 1;
      case 'bigint':
        return kind.max + 1n;
      case 'bytes':
        return new Uint8Array(kind.maxLength + 1);
      case 'text':
        return 'x'.repeat(kind.maxLength + 1);
      case 'sequence':
        return { length: 0 };
      case 'option':
        return beyond(kind.of);
      default:
        return 'nonsense';
    }
  };

  test.each(messageCreators.map((creator) => [creator.type, creator] as const))('of %s', (type, creator) => {
    const good = creator.decode(new Uint8Array(creator.schema.minSize)) as unknown as Record<string, unknown>;
    for (const [field, dataType] of Object.entries(
      creator.schema.fields as Record<string, DataType<unknown>>,
    )) {
      expect(placeOf(creator, { ...good, [field]: beyond(dataType) })).toEqual({ message: type, field });
      expect(placeOf(creator, { ...good, [field]: undefined })).toEqual({ message: type, field });
    }
  });

  it('in words', () => {
    expect(() => SubmitSharesStandard.encode({ ...share, nonce: 2 ** 32 })).toThrow(
      'SubmitSharesStandard.nonce: expected an integer from 0 to 4294967295, got 4294967296',
    );
    expect(() => SubmitSharesStandard.encode({ ...share, nonce: undefined as never })).toThrow(
      'SubmitSharesStandard.nonce: missing, expected U32',
    );
    const job = NewExtendedMiningJob.decode(new Uint8Array(NewExtendedMiningJob.schema.minSize));
    expect(() => NewExtendedMiningJob.encode({ ...job, merklePath: [new Uint8Array(31)] })).toThrow(
      'NewExtendedMiningJob.merklePath[0]: expected 32 bytes, got 31',
    );
  });
});

describe('decoding names the place', () => {
  it('of a field that is cut short', () => {
    expect(() => SetNewPrevHash.decode(new Uint8Array(39))).toThrow(
      'SetNewPrevHash.prevHash at byte 8: expected 32 more bytes, found 31',
    );
  });

  it('of an element of an element', () => {
    const payload = Uint8Array.of(...new Uint8Array(10), 2, 0, 1, 0, 0, 9, 7, 0, 0, 1);
    expect(() => RequestTransactionDataSuccess.decode(payload)).toThrow(
      'RequestTransactionData.Success.transactionList[1] at byte 16: length 7 runs past the end, 1 bytes are left',
    );
  });

  it('of a count that is too large', () => {
    const payload = Uint8Array.of(...new Uint8Array(10), 0xff, 0xff, 0);
    const error = errorOf(() => RequestTransactionDataSuccess.decode(payload));
    expect(error).toMatchObject({
      name: 'CodecError',
      code: 'length-out-of-bounds',
      place: { message: 'RequestTransactionData.Success', field: 'transactionList', offset: 10 },
    });
  });

  it('of a string that runs past the end', () => {
    const payload = new Uint8Array(SetupConnection.schema.minSize);
    payload[9] = 200;
    expect(() => SetupConnection.decode(payload)).toThrow(
      'SetupConnection.endpointHost at byte 9: length 200 runs past the end, 6 bytes are left',
    );
  });
});

test('an extension declares its messages the same way', () => {
  const Greeting = defineMessage('Greeting', {
    protocol: 'extensions',
    sentBy: 'both',
    extensionType: 0x4000,
    messageType: 0x07,
    channelMessage: true,
    fields: { channelId: U32, greeting: B0_64K },
  });
  const greeting = Greeting({ channelId: 5, greeting: Uint8Array.of(1) });
  expect(Greeting.decode(Greeting.encode(greeting))).toEqual(greeting);
  expect(Greeting.schema).toMatchObject({
    minSize: 6,
    maxSize: 6 + 0xffff,
    extensionType: 0x4000,
    name: 'Greeting',
  });
});

function placeOf(creator: MessageCreator, message: unknown): unknown {
  const error = errorOf(() => creator.encode(message as never));
  return error instanceof CodecError ? error.place : error;
}

function errorOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}
