import { describe, it } from '@jest/globals';
import { map, merge, take, timer } from 'rxjs';
import {
  ChannelEndpointChanged,
  RequestExtensions,
  RequestExtensionsError,
  RequestExtensionsSuccess,
  SubmitSharesStandard,
  UnknownMessage,
  userIdentityOf,
  userIdentityTlv,
} from '../src/messages/index.js';
import {
  createServer,
  ofEvent,
  ofMessage,
  send,
  type ApplicationOutcome,
  type ExtensionPolicy,
  type MiningServerHandler,
} from '../src/service/index.js';
import { like, marbles, setupConnection, type TestConnection } from '../src/testing/index.js';
import { accepted, acceptShares, clients, close, share, welcome } from './support.js';

const s = setupConnection();
const w = welcome();
const ask = (requestId: number, ...requestedExtensions: number[]) =>
  RequestExtensions({ requestId, requestedExtensions });
const yes = (requestId: number, ...supportedExtensions: number[]) =>
  RequestExtensionsSuccess({ requestId, supportedExtensions });
const no = (requestId: number, unsupportedExtensions: number[], requiredExtensions: number[] = []) =>
  RequestExtensionsError({ requestId, unsupportedExtensions, requiredExtensions });
const worker = userIdentityTlv('w1');
const named = (sequenceNumber: number) => ({ ...share(sequenceNumber), tlvs: [worker] });

const serverOf = (
  client: TestConnection,
  extensions: ExtensionPolicy,
  mining: MiningServerHandler<ApplicationOutcome> = acceptShares,
) => createServer({ listen: clients(client), extensions, mining });

describe('extension negotiation, as a server answers it', () => {
  it.each([
    ['with what it supports', ask(7, 2, 9, 3, 2), yes(7, 2, 3), [2, 3]],
    ['with an error if it supports nothing of it', ask(7, 8, 9), no(7, [8, 9]), []],
    ['with nothing if nothing is asked for', ask(7), yes(7), []],
  ])('is done %s', (_, request, answer, extensions) => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const client = connection('s-r', { s, r: request });
      expectSent(client).toBe('w-a', { w, a: answer });
      expectOutcomes(serverOf(client, { supported: [2, 3] }).start(), 'extensions', 'disconnected').toBe(
        '--e',
        {
          e: { type: 'extensions', clientId: 1, extensions },
        },
      );
    });
  });

  it('is an error for a server without extensions', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const client = connection('s-r', { s, r: ask(7, 2) });
      const server = createServer({ listen: clients(client), mining: acceptShares });
      expectSent(client).toBe('w-a', { w, a: no(7, [2]) });
      expectOutcomes(server.start(), 'disconnected').toBe('');
    });
  });

  it('names what is required and was not asked for, and takes a second request', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const client = connection('s-r-t-m', { s, r: ask(1, 3, 9), t: ask(2, 2, 3), m: share(1) });
      expectSent(client).toBe('w-a-b-c', { w, a: no(1, [9], [2]), b: yes(2, 2, 3), c: accepted(1) });
      expectOutcomes(
        serverOf(client, { supported: [2, 3], required: [2] }).start(),
        'extensions',
        'disconnected',
      ).toBe('--e-f', { e: like({ extensions: [] }), f: like({ extensions: [2, 3] }) });
    });
  });

  it('may not be skipped if something is required', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const client = connection('s-r-m', { s, r: ask(1, 3), m: share(1) });
      expectSent(client).toBe('w-a-|', { w, a: no(1, [], [2]) });
      expectOutcomes(serverOf(client, { supported: [2, 3], required: [2] }).start(), 'disconnected').toBe(
        '----d',
        {
          d: like({
            clientId: 1,
            reason: { code: 'extension-required', error: { detail: { required: [2] } } },
          }),
        },
      );
    });
  });

  it('must be done in time if something is required', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const client = connection('s-r', { s, r: ask(1, 3) });
      expectSent(client).toBe('w-a 9997ms |', { w, a: no(1, [], [2]) });
      expectOutcomes(serverOf(client, { supported: [2, 3], required: [2] }).start(), 'disconnected').toBe(
        '10s d',
        {
          d: like({ reason: { code: 'extension-required' } }),
        },
      );
    });
  });

  it('that is done in time is done for good', () => {
    marbles(({ connection, expectOutcomes }) => {
      const client = connection('s-r 15s m', { s, r: ask(1, 2), m: share(1) });
      expectOutcomes(
        serverOf(client, { supported: [2], required: [2] }).start(),
        'disconnected',
        'sent',
      ).toBe('w-a 15s m', {
        w: like({ message: w }),
        a: like({ message: yes(1, 2) }),
        m: like({ message: accepted(1) }),
      });
    });
  });

  it('is done once: whoever asks again after a yes is rejected, and keeps what was agreed', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const again = ask(2, 9);
      const client = connection('s-r-t-m', { s, r: ask(1, 2), t: again, m: share(1) });
      expectSent(client).toBe('w-a---c', { w, a: yes(1, 2), c: accepted(1) });
      expectOutcomes(
        serverOf(client, { supported: [2], required: [2] }).start(),
        'rejected',
        'extensions',
        'disconnected',
      ).toBe('--e-r', {
        e: like({ extensions: [2] }),
        r: like({ code: 'extensions-agreed', message: again }),
      });
    });
  });

  it('rejects a request for more extensions than there are', () => {
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const many = (count: number) => ask(1, ...Array.from({ length: count }, (_, index) => index));
      const client = connection('s-r-t', { s, r: many(65), t: many(64) });
      expectSent(client).toBe('w---a', { w, a: yes(1, 2) });
      expectOutcomes(serverOf(client, { supported: [2] }).start(), 'rejected', 'disconnected').toBe('--r', {
        r: like({ code: 'too-many-extensions' }),
      });
    });
  });

  it('begins anew when the server tells of another end of a channel', () => {
    const changed = ChannelEndpointChanged({ channelId: 1 });
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const client = connection('s-r-m-n-t-n', { s, r: ask(1, 2), m: share(1), n: named(2), t: ask(2, 2) });
      const change: MiningServerHandler<{ type: 'worker'; name: string | undefined }> = (event$) =>
        event$.pipe(
          ofMessage(SubmitSharesStandard),
          map(({ clientId, message }) =>
            message.sequenceNumber === 1
              ? send(clientId, changed)
              : { type: 'worker' as const, name: userIdentityOf(message) },
          ),
        );
      expectSent(client).toBe('w-a-c---b', { w, a: yes(1, 2), c: changed, b: yes(2, 2) });
      expectOutcomes(serverOf(client, { supported: [2] }, change).start(), 'worker', 'rejected').toBe(
        '------u---n',
        { u: { type: 'worker', name: undefined }, n: { type: 'worker', name: 'w1' } },
      );
    });
  });

  it('comes before anything else if something is required', () => {
    const first = close(1);
    const greet: MiningServerHandler = (event$) =>
      event$.pipe(
        ofEvent('clientAdded'),
        map(({ clientId }) => send(clientId, first)),
      );
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const client = connection('s-r-t', { s, r: ask(1, 3), t: ask(2, 2) });
      expectSent(client).toBe('w-a-(bc)', { w, a: no(1, [], [2]), b: yes(2, 2), c: first });
      expectOutcomes(
        serverOf(client, { supported: [2, 3], required: [2] }, greet).start(),
        'undeliverable',
        'handlerError',
      ).toBe('');
    });
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const gone = connection('s--|', { s });
      expectSent(gone).toBe('w--|', { w });
      expectOutcomes(serverOf(gone, { supported: [2], required: [2] }, greet).start(), 'undeliverable').toBe(
        '---u',
        { u: { type: 'undeliverable', clientId: 1, messages: [first] } },
      );
    });
  });

  it('lets what waited for it leave before what the handler says to it', () => {
    const talk: MiningServerHandler = (event$) =>
      merge(
        event$.pipe(
          ofEvent('clientAdded'),
          map(({ clientId }) => send(clientId, close(1))),
        ),
        event$.pipe(
          ofEvent('clientExtensions'),
          map(({ clientId }) => send(clientId, close(2))),
        ),
      );
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const client = connection('s-t', { s, t: ask(1, 2) });
      expectSent(client).toBe('w-(bcd)', { w, b: yes(1, 2), c: close(1), d: close(2) });
      expectOutcomes(serverOf(client, { supported: [2], required: [2] }, talk).start(), 'undeliverable').toBe(
        '',
      );
    });
  });

  it('lets messages of its extensions leave, no others, and what is forwarded to the end of a channel', () => {
    const message = (extensionType: number, channelMessage: boolean) =>
      UnknownMessage({ extensionType, messageType: 0, channelMessage, payload: new Uint8Array(4) });
    const all = [message(2, false), message(0x4000, false), message(0x4000, true)] as const;
    const say: MiningServerHandler = (event$) =>
      event$.pipe(
        ofMessage(SubmitSharesStandard),
        map(({ clientId }) => send(clientId, ...all)),
      );
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const client = connection('s-r-m', { s, r: ask(1, 2), m: share(1) });
      expectSent(client).toBe('w-a-(bc)', { w, a: yes(1, 2), b: all[0], c: all[2] });
      expectOutcomes(serverOf(client, { supported: [2] }, say).start(), 'undeliverable').toBe('----u', {
        u: { type: 'undeliverable', clientId: 1, messages: [all[1]] },
      });
    });
  });

  it('is an event of the handler, and known of the client', () => {
    marbles(({ connection, expectObservable, expectOutcomes }) => {
      const server = createServer({
        listen: clients(connection('s-r', { s, r: ask(1, 2) })),
        extensions: { supported: [2] },
        mining: (event$) =>
          event$.pipe(
            ofEvent('clientExtensions'),
            map(({ clientId, extensions }) => ({ type: 'seen', clientId, extensions })),
          ),
      });
      expectOutcomes(server.start(), 'seen').toBe('--e', {
        e: { type: 'seen', clientId: 1, extensions: [2] },
      });
      const known$ = timer(1, 2).pipe(
        take(2),
        map(() => server.clients().get(1)?.extensions),
      );
      expectObservable(known$).toBe('-a-(b|)', { a: [], b: [2] });
    });
  });

  it('makes TLVs arrive, and leave', () => {
    const echo: MiningServerHandler = (event$) =>
      event$.pipe(
        ofMessage(SubmitSharesStandard),
        map(({ clientId, message }) =>
          send(clientId, {
            ...accepted(userIdentityOf(message) === 'w1' ? 1 : 0),
            tlvs: [worker, { extensionType: 3, fieldType: 1, value: new Uint8Array() }],
          }),
        ),
      );
    marbles(({ connection, expectOutcomes, expectSent }) => {
      const client = connection('smrm', { s, m: named(5), r: ask(1, 2) });
      expectSent(client).toBe('wabc', {
        w,
        a: accepted(0),
        b: yes(1, 2),
        c: { ...accepted(1), tlvs: [worker] },
      });
      expectOutcomes(serverOf(client, { supported: [2] }, echo).start(), 'handlerError').toBe('');
    });
  });
});
