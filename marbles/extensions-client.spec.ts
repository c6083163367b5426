import { describe, it } from '@jest/globals';
import { filter, map, merge, mergeMap } from 'rxjs';
import {
  ChannelEndpointChanged,
  NewMiningJob,
  Reconnect,
  RequestExtensions,
  RequestExtensionsError,
  RequestExtensionsSuccess,
  UnknownMessage,
  userIdentityTlv,
  workerHashrateTracking,
} from '../src/messages/index.js';
import {
  createClient,
  leaveServer,
  ofEvent,
  ofMessage,
  sendToServer,
  type ApplicationOutcome,
  type ClientExtensionPolicy,
  type MiningClientHandler,
} from '../src/service/index.js';
import { like, marbles, testConnector, type TestConnection } from '../src/testing/index.js';
import { share, silentHandler, welcome } from './support.js';

const w = welcome();
const s = like({ type: 'SetupConnection' });
const ask = (requestId: number, ...requestedExtensions: number[]) =>
  RequestExtensions({ requestId, requestedExtensions });
const yes = (requestId: number, ...supportedExtensions: number[]) =>
  RequestExtensionsSuccess({ requestId, supportedExtensions });
const no = (requestId: number, unsupportedExtensions: number[], requiredExtensions: number[] = []) =>
  RequestExtensionsError({ requestId, unsupportedExtensions, requiredExtensions });
const job = (jobId: number) =>
  NewMiningJob({ channelId: 1, jobId, minNtime: null, version: 0, merkleRoot: new Uint8Array(32) });

const clientOf = (
  server: TestConnection,
  extensions: ClientExtensionPolicy,
  handler: MiningClientHandler<ApplicationOutcome> = silentHandler,
) => createClient({ mining: { connect: testConnector([server]), handler }, extensions });

/** Answers every job with a share that has a TLV. */
const worker = userIdentityTlv('w1');
const namedShares: MiningClientHandler = (event$) =>
  event$.pipe(
    ofMessage(NewMiningJob),
    map(({ message }) => sendToServer({ ...share(message.jobId), tlvs: [worker] })),
  );

describe('extension negotiation, as a client does it', () => {
  it('asks right after SetupConnection.Success, and connects with what the server supports', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const server = connection('-w-y', { w, y: yes(1, 3, 99) });
      expectSent(server).toBe('sa', { s, a: ask(1, 2, 3) });
      expectOutcomes(clientOf(server, { supported: [2, 3] }).start(), 'extensions', 'connected').toBe(
        '---(ec)',
        {
          e: { type: 'extensions', protocol: 'mining', extensions: [3] },
          c: like({ server: { extensions: [3] } }),
        },
      );
    });
  });

  it('holds back what the server sends before it has answered', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const server = connection('-wj-y', { w, j: job(1), y: yes(1, workerHashrateTracking) });
      expectSent(server).toBe('sa--b', { s, a: ask(1, 2), b: { ...share(1), tlvs: [worker] } });
      expectOutcomes(
        clientOf(server, { supported: [2] }, namedShares).start(),
        'connected',
        'handlerError',
      ).toBe('----c', { c: like({ protocol: 'mining' }) });
    });
  });

  it('does without extensions if the server supports none and requires none', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const server = connection('-w-n---j', { w, n: no(1, [2]), j: job(1) });
      expectSent(server).toBe('sa-----b', { s, a: ask(1, 2), b: share(1) });
      expectOutcomes(clientOf(server, { supported: [2] }, namedShares).start(), 'connected').toBe('---c', {
        c: like({ server: { extensions: [] } }),
      });
    });
  });

  it('asks once more for what is left and what the server requires', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const server = connection('-w-n-y', { w, n: no(1, [3], [4]), y: yes(2, 2, 4) });
      expectSent(server).toBe('sa-b', { s, a: ask(1, 2, 3, 4), b: ask(2, 2, 4) });
      expectOutcomes(clientOf(server, { supported: [2, 3, 4] }).start(), 'connected').toBe('-----c', {
        c: like({ server: { extensions: [2, 4] } }),
      });
    });
  });

  it('asks twice at most', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const server = connection('-w-n-m', { w, n: no(1, [3]), m: no(2, [4]) });
      expectSent(server).toBe('sa-b', { s, a: ask(1, 2, 3, 4), b: ask(2, 2, 4) });
      expectOutcomes(clientOf(server, { supported: [2, 3, 4] }).start(), 'connected').toBe('-----c', {
        c: like({ server: { extensions: [] } }),
      });
    });
  });

  it('fails if the server requires what is not supported here', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const server = connection('-w-n', { w, n: no(1, [], [5]) });
      expectSent(server).toBe('sa-|', { s, a: ask(1, 2) });
      expectOutcomes(clientOf(server, { supported: [2] }).start(), 'connected').toBe(
        '---#',
        {},
        like({ code: 'extension-required', detail: { required: [5] } }),
      );
    });
  });

  it.each([
    ['does not support', yes(1, 3)],
    ['refuses', no(1, [2])],
    ['refuses everything', no(1, [2, 3])],
  ])('fails if the server %s what is required here', (_, answer) => {
    marbles(({ connection, expectOutcomes }) => {
      const server = connection('-w-n', { w, n: answer });
      expectOutcomes(clientOf(server, { supported: [2, 3], required: [2] }).start(), 'connected').toBe(
        '---#',
        {},
        like({ code: 'extension-unsupported', detail: { required: [2] } }),
      );
    });
  });

  it('goes on without extensions when the server does not answer, and ignores a late answer', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const server = connection('-w 500ms j 900ms y', { w, j: job(1), y: yes(1, 2) });
      expectSent(server).toBe('sa 999ms b', { s, a: ask(1, 2), b: share(1) });
      expectOutcomes(
        clientOf(server, { supported: [2] }, namedShares).start(),
        'connected',
        'extensions',
        'disconnected',
      ).toBe('1001ms (ec)', {
        e: like({ extensions: [] }),
        c: like({ server: { extensions: [] } }),
      });
    });
  });

  it('waits as long as it is told to, and answers to other requests do not count', () => {
    marbles(({ connection, expectOutcomes }) => {
      const server = connection('wy', { w, y: yes(7, 2) });
      expectOutcomes(clientOf(server, { supported: [2], timeout: 50 }).start(), 'connected').toBe('50ms c', {
        c: like({ server: { extensions: [] } }),
      });
    });
  });

  it('fails when the server does not answer and extensions are required', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const server = connection('-w', { w });
      expectSent(server).toBe('sa 999ms |', { s, a: ask(1, 2) });
      expectOutcomes(clientOf(server, { supported: [2], required: [2] }).start(), 'connected').toBe(
        '1001ms #',
        {},
        like({ code: 'extension-timeout' }),
      );
    });
  });

  it('takes a flood of messages for no answer', () => {
    marbles(({ connection, expectOutcomes }) => {
      const server = connection(`w${'j'.repeat(300)}`, { w, j: job(1) });
      expectOutcomes(clientOf(server, { supported: [2], timeout: 60_000 }).start(), 'connected').toBe(
        '257ms c',
        { c: like({ server: { extensions: [] } }) },
      );
    });
  });

  it('begins anew after ChannelEndpointChanged, which the handler sees', () => {
    const names: MiningClientHandler<{ type: string }> = (event$) =>
      merge(
        namedShares(event$),
        event$.pipe(
          ofMessage(ChannelEndpointChanged),
          mergeMap(() => [{ type: 'saw change' }, sendToServer({ ...share(9), tlvs: [worker] })]),
        ),
        event$.pipe(
          ofEvent('extensions'),
          map(({ extensions }) => ({ type: `saw extensions ${extensions.join()}` })),
        ),
      );
    marbles(({ connection, expectObservable, expectSent }) => {
      const server = connection('wy--j---c-k-y', {
        w,
        y: yes(1, 2),
        j: job(1),
        c: ChannelEndpointChanged({ channelId: 1 }),
        k: job(2),
      });
      // the second answer has the id of the first request: it is not the one waited for
      expectSent(server).toBe('(sa)b---c 999ms (ed)', {
        ...{ s, a: ask(1, 2), b: { ...share(1), tlvs: [worker] }, c: ask(2, 2), d: share(2) },
        e: share(9),
      });
      const client = createClient({
        mining: { connect: testConnector([server]), handler: names },
        extensions: { supported: [2] },
      });
      expectObservable(
        client.start().pipe(
          map(({ type }) => type),
          filter((type) => type.startsWith('saw')),
        ),
        '10m !',
      ).toBe('--------(ab) 996ms d', {
        a: 'saw change',
        b: 'saw extensions ',
        d: 'saw extensions ',
      });
    });
  });

  it('holds back what the handler sends, and lets messages of its extensions leave', () => {
    const message = (extensionType: number, channelMessage: boolean) =>
      UnknownMessage({ extensionType, messageType: 0, channelMessage, payload: new Uint8Array(4) });
    const [own, other, forwarded] = [message(2, false), message(0x4000, false), message(0x4000, true)];
    const talk: MiningClientHandler = (event$) =>
      merge(
        event$.pipe(
          ofEvent('connected'),
          map(() => sendToServer(own, other, forwarded)),
        ),
        event$.pipe(
          ofMessage(ChannelEndpointChanged),
          map(() => sendToServer(share(1), own)),
        ),
      );
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const server = connection('w----y---c--z', {
        ...{ w, y: yes(1, 2), z: yes(2) },
        c: ChannelEndpointChanged({ channelId: 1 }),
      });
      expectSent(server).toBe('(sa)-(of)c--d', {
        ...{ s, a: ask(1, 2), o: own, f: forwarded, c: ask(2, 2), d: share(1) },
      });
      expectOutcomes(clientOf(server, { supported: [2] }, talk).start(), 'undeliverable').toBe(
        '-----u------v',
        {
          u: like({ messages: [other] }),
          v: like({ messages: [own] }), // which is not negotiated any more
        },
      );
    });
  });

  it('lets what was held back leave before what the handler says to the new extensions', () => {
    const talk: MiningClientHandler = (event$) =>
      merge(
        event$.pipe(
          ofMessage(ChannelEndpointChanged),
          map(() => sendToServer(share(1))),
        ),
        event$.pipe(
          ofEvent('extensions'),
          filter(({ extensions }) => extensions.length > 0),
          map(() => sendToServer(share(2))),
        ),
      );
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const server = connection('wy--c-z', {
        ...{ w, y: yes(1, 2), z: yes(2, 2) },
        c: ChannelEndpointChanged({ channelId: 1 }),
      });
      expectSent(server).toBe('(sa)b-(cd)', { s, a: ask(1, 2), b: ask(2, 2), c: share(1), d: share(2) });
      expectOutcomes(clientOf(server, { supported: [2] }, talk).start(), 'undeliverable').toBe('');
    });
  });

  it.each([
    ['as it learns of it', 'saw change'],
    ['as nothing is agreed any more', 'saw extensions '],
  ])('does not go on when the handler leaves %s', (_, cause) => {
    const leaving: MiningClientHandler<{ type: string }> = (event$) =>
      merge(
        event$.pipe(
          ofMessage(ChannelEndpointChanged),
          map(() => 'saw change'),
        ),
        event$.pipe(
          ofEvent('extensions'),
          map(({ extensions }) => `saw extensions ${extensions.join()}`),
        ),
      ).pipe(
        mergeMap((type) => (type === cause ? [leaveServer({ code: 'no-good', message: 'no good' })] : [])),
      );
    marbles(({ connection, expectObservable }) => {
      const server = connection('wy--c', { w, y: yes(1, 2), c: ChannelEndpointChanged({ channelId: 1 }) });
      const client = createClient({
        mining: { connect: testConnector([server, connection('')]), handler: leaving },
        extensions: { supported: [2] },
        reconnect: { initialDelay: 60_000 },
      });
      const type$ = client.start().pipe(map(({ type }) => type));
      // nothing is said to a server that was left
      expectObservable(
        type$.pipe(filter((type) => ['sent', 'disconnected', 'undeliverable'].includes(type))),
        '500ms !',
      ).toBe('(ss)d', { s: 'sent', d: 'disconnected' });
    });
  });

  it('can be renewed any number of times', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const c = ChannelEndpointChanged({ channelId: 1 });
      const server = connection('wx---c--y-c--z', { w, x: yes(1, 2), y: yes(2), c, z: yes(3, 2) });
      expectSent(server).toBe('(sa)-b----c', { s, a: ask(1, 2), b: ask(2, 2), c: ask(3, 2) });
      expectOutcomes(clientOf(server, { supported: [2] }).start(), 'extensions').toBe('-a---b--c-d--e', {
        a: like({ extensions: [2] }),
        b: like({ extensions: [] }),
        c: like({ extensions: [] }),
        d: like({ extensions: [] }),
        e: like({ extensions: [2] }),
      });
    });
  });

  it('is left at once for a Reconnect', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const server = connection('w----r', { w, r: Reconnect({ newHost: '', newPort: 0 }) });
      const next = connection('');
      expectSent(server).toBe('(sa)-|', { s, a: ask(1, 2) });
      expectSent(next).toBe('-----s 9999ms |', { s });
      const client = createClient({
        mining: {
          connect: testConnector([server, next]),
          handler: (event$) => event$.pipe(map(({ type }) => ({ type: `saw ${type}` }))),
        },
        extensions: { supported: [2] },
      });
      // the handler was never told of a connection
      expectOutcomes(client.start(), 'disconnected', 'saw message', 'saw disconnected').toBe(
        '-----d 9999ms (e#)',
        { d: like({ reason: { code: 'redirected' } }), e: like({ reason: { code: 'setup-timeout' } }) },
        like({ code: 'setup-timeout' }),
      );
    });
  });

  it('makes TLVs arrive, and only those of negotiated extensions', () => {
    marbles(({ connection, expectOutcomes }) => {
      const other = { extensionType: 3, fieldType: 1, value: new Uint8Array(1) };
      const server = connection('wyj', { w, y: yes(1, 2), j: { ...job(1), tlvs: [worker, other] } });
      const client = clientOf(server, { supported: [2, 3] }, (event$) =>
        event$.pipe(
          ofMessage(NewMiningJob),
          map(({ message }) => ({ type: 'saw' as const, message })),
        ),
      );
      expectOutcomes(client.start(), 'saw').toBe('--j', {
        j: { type: 'saw', message: { ...job(1), tlvs: [worker] } },
      });
    });
  });

  it('does not happen if there is nothing to ask for', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const server = connection('w-c', { w, c: ChannelEndpointChanged({ channelId: 1 }) });
      expectSent(server).toBe('s', { s });
      expectOutcomes(clientOf(server, { supported: [] }).start(), 'connected', 'extensions').toBe('c', {
        c: like({ server: { extensions: [] } }),
      });
    });
  });

  it('lets messages of negotiated extensions through, and ignores others unless they are for a channel', () => {
    const unknown = (extensionType: number, channelMessage: boolean) =>
      UnknownMessage({ extensionType, messageType: 1, channelMessage, payload: new Uint8Array(4) });
    marbles(({ connection, expectObservable }) => {
      const server = connection('wyabc', {
        ...{ w, y: yes(1, 2), a: unknown(2, false), b: unknown(3, false), c: unknown(3, true) },
      });
      const client = clientOf(server, { supported: [2] }, (event$) =>
        event$.pipe(
          ofMessage(UnknownMessage),
          map(({ message }) => ({ type: `saw ${message.extensionType}` })),
        ),
      );
      expectObservable(
        client.start().pipe(
          map(({ type }) => type),
          filter((type) => type.startsWith('saw') || type === 'rejected'),
        ),
        '1s !',
      ).toBe('--a-c', { a: 'saw 2', c: 'saw 3' });
    });
  });
});
