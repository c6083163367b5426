import { describe, expect, it } from '@jest/globals';
import { delay, map, merge, skipWhile } from 'rxjs';
import {
  NewTemplate,
  RequestExtensions,
  SubmitSharesStandard,
  UnknownMessage,
} from '../src/messages/index.js';
import {
  createServer,
  earned,
  nonsense,
  ofMessage,
  type MiningServerHandler,
  type NonsenseLimits,
} from '../src/service/index.js';
import { like, marbles, setupConnection, type TestConnection } from '../src/testing/index.js';
import { accepted, acceptShares, clients, share, silentHandler, welcome } from './support.js';

const s = setupConnection();
const w = welcome();

/** Something that a miner may not say. */
const n = NewTemplate({
  templateId: 1n,
  futureTemplate: false,
  version: 0,
  coinbaseTxVersion: 0,
  coinbasePrefix: new Uint8Array(),
  coinbaseTxInputSequence: 0,
  coinbaseTxValueRemaining: 0n,
  coinbaseTxOutputsCount: 0,
  coinbaseTxOutputs: new Uint8Array(),
  coinbaseTxLocktime: 0,
  merklePath: [],
});

const serverOf = (
  client: TestConnection,
  limits: NonsenseLimits,
  mining: MiningServerHandler = acceptShares,
) => createServer({ listen: clients(client), mining, ...limits });

const goes = like({ clientId: 1, reason: { code: 'too-much-nonsense' } });

describe('a client that talks nonsense', () => {
  const unknown = (extensionType: number) =>
    UnknownMessage({ extensionType, messageType: 0xee, channelMessage: false, payload: new Uint8Array() });

  it.each([
    ['messages of another subprotocol', n],
    ['messages that there are not', unknown(0)],
    ['messages of unknown extensions', unknown(0x4000)],
    [
      'requests for extensions that are not there',
      RequestExtensions({ requestId: 1, requestedExtensions: [9] }),
    ],
  ])('goes after %s, more than the burst', (_, message) => {
    marbles(({ connection, expectOutcomes }) => {
      const client = connection('s-nnn-n-m', { s, n: message, m: share(1) });
      const { start } = serverOf(client, { nonsenseBurst: 3, nonsensePerSecond: 0 });
      expectOutcomes(start(), 'disconnected').toBe('------d', { d: goes });
    });
  });

  it('is gone for good: nobody is left among the clients, and nothing more is said of it', () => {
    marbles(({ connection, expectObservable }) => {
      const request = RequestExtensions({ requestId: 1, requestedExtensions: [9] });
      const client = connection('s-n', { s, n: request });
      const server = serverOf(client, { nonsenseBurst: 0.5, nonsensePerSecond: 0 });
      const after$ = server.start().pipe(
        skipWhile(({ type }) => type !== 'disconnected'),
        map(({ type }) => type),
        delay(10),
        map((type) => [type, server.clients().size]),
      );
      expectObservable(after$, '1s !').toBe('------------d', { d: ['disconnected', 0] });
    });
  });

  it('is forgiven a number of them each second, up to the burst', () => {
    marbles(({ connection, expectOutcomes }) => {
      // two at once, then one a second for ever; after a rest two at once again, and no third
      const client = connection('s-(nn) 996ms n 999ms n 999ms n 59s (nnn)', { s, n });
      const { start } = serverOf(client, { nonsenseBurst: 2, nonsensePerSecond: 1 });
      expectOutcomes(start(), 'disconnected').toBe('62003ms d', { d: goes });
    });
  });

  it('may say more of it when it has proved work', () => {
    const counting: MiningServerHandler = (event$) =>
      event$.pipe(
        ofMessage(SubmitSharesStandard),
        map(({ clientId, message }) => earned(clientId, message.sequenceNumber)),
      );
    marbles(({ connection, expectOutcomes }) => {
      const client = connection('s-m-nnnnn-n', { s, n, m: share(3) });
      const { start } = serverOf(client, { nonsenseBurst: 2, nonsensePerSecond: 0 }, counting);
      expectOutcomes(start(), 'disconnected').toBe('----------d', { d: goes });
    });
    marbles(({ connection, expectOutcomes }) => {
      // ten times the burst, however much it was
      const client = connection('s-m-(nnnnnnnnnn)n', { s, n, m: share(1_000_000) });
      const { start } = serverOf(client, { nonsenseBurst: 1, nonsensePerSecond: 0 }, counting);
      expectOutcomes(start(), 'disconnected').toBe('----------------d', { d: goes });
    });
  });

  it('goes when its handler has refused enough', () => {
    const refusing: MiningServerHandler = (event$) =>
      event$.pipe(
        ofMessage(SubmitSharesStandard),
        map(({ clientId }) => nonsense(clientId)),
      );
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const client = connection('s-mmm-m', { s, m: share(1) });
      const { start } = serverOf(client, { nonsenseBurst: 3, nonsensePerSecond: 0 }, refusing);
      expectSent(client).toBe('w-----|', { w });
      expectOutcomes(start(), 'disconnected', 'handlerError').toBe('------d', { d: goes });
    });
  });

  it('stays if that is wanted, and others are not counted with it', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const client = connection('s-(nnnn)m', { s, n, m: share(1) });
      const other = connection('s-n------m', { s, n, m: share(2) });
      const server = createServer({
        listen: merge(clients(client), clients(other)),
        mining: acceptShares,
        nonsenseBurst: Infinity,
      });
      expectSent(client).toBe('w-------a', { w, a: accepted(1) });
      expectSent(other).toBe('w--------a', { w, a: accepted(2) });
      expectOutcomes(server.start(), 'disconnected').toBe('');
    });
  });

  it('is 1,000 refused messages at once away from that unless told otherwise', () => {
    marbles(({ connection, expectOutcomes }) => {
      const client = connection(`s-(${'n'.repeat(1_000)})`, { s, n });
      expectOutcomes(serverOf(client, {}).start(), 'disconnected').toBe('');
    });
    marbles(({ connection, expectOutcomes }) => {
      const client = connection(`s-(${'n'.repeat(1_001)})`, { s, n });
      expectOutcomes(serverOf(client, {}).start(), 'disconnected').toBe('--d', { d: goes });
    });
    expect(() => createServer({ listen: clients(), mining: silentHandler, nonsenseBurst: -1 })).toThrow(
      'nonsenseBurst: expected a number from 0 up',
    );
  });
});
