import { describe, expect, it } from '@jest/globals';
import { Subject, VirtualTimeScheduler } from 'rxjs';
import { defaultCrypto, type CryptoProvider } from '../../src/crypto/index.js';
import {
  decodeAuthorityPublicKey,
  encodeAuthorityPublicKey,
  encodeAuthoritySecretKey,
  generateAuthorityKeyPair,
} from '../../src/noise/index.js';
import { acceptConnections, type AcceptOptions, type HandshakeFailure } from '../../src/transport/index.js';
import { fakeStream, frames, log, setTarget } from './support.js';

const authority = generateAuthorityKeyPair(defaultCrypto);

const [keyPair, secret] = [defaultCrypto.generateKeyPair(), new Uint8Array(32).fill(7)];
/** Every key is the same and every secret known: for the order of things, not for what they are. */
const instantCrypto: CryptoProvider = {
  ...defaultCrypto,
  generateKeyPair: () => ({
    publicKey: keyPair.publicKey,
    ecdh: () => secret.slice(),
    destroy: () => undefined,
  }),
};

function listener(options: AcceptOptions = {}) {
  const client$ = new Subject<ReturnType<typeof client>>();
  const failures: HandshakeFailure[] = [];
  const scheduler = new VirtualTimeScheduler();
  const accepted = log(
    client$.pipe(
      acceptConnections({
        scheduler,
        handshakeErrorObserver: { next: (failure) => failures.push(failure) },
        ...options,
      }),
    ),
  );
  return { client$, failures, scheduler, accepted };
}

function client(address = 'client') {
  return { ...fakeStream(), address, closed$: new Subject<never>() };
}

describe('a listener', () => {
  it('emits a connection for each client', () => {
    const { client$, accepted } = listener();
    client$.next(client('a'));
    client$.next(client('b'));
    expect(accepted.values.map(({ peer }) => peer.address)).toEqual(['a', 'b']);
  });

  it('turns clients away beyond maxConnections, and takes them when others have gone', () => {
    const { client$, accepted, failures, scheduler } = listener({ authority, maxConnections: 2 });
    const shakeHands = (one: ReturnType<typeof client>) => {
      client$.next(one);
      one.incoming$.next(new Uint8Array(64));
      scheduler.flush();
    };
    const [first, second, surplus, later] = [client('1'), client('2'), client('3'), client('4')];
    shakeHands(first);
    shakeHands(second);
    client$.next(surplus);

    expect(surplus.events).toEqual(['destroy']);
    expect(failures).toMatchObject([
      { address: '3', error: { code: 'too-many-connections', detail: { maxConnections: 2 } } },
    ]);

    second.closed$.complete();
    shakeHands(later);
    expect(accepted.values.map(({ peer }) => peer.address)).toEqual(['1', '2', '4']);
  });

  it('holds to maxConnections when more handshakes were under way', () => {
    const { client$, accepted, failures, scheduler } = listener({ authority, maxConnections: 1 });
    const [first, second] = [client('1'), client('2')];
    client$.next(first);
    client$.next(second);
    for (const { incoming$ } of [first, second]) incoming$.next(new Uint8Array(64));
    scheduler.flush();

    expect(accepted.values.map(({ peer }) => peer.address)).toEqual(['1']);
    expect(failures).toMatchObject([{ address: '2', error: { code: 'too-many-connections' } }]);
    expect(second.events).toEqual(['write', 'end', 'destroy']);
  });

  it('is not locked out by clients that say nothing: the oldest of them make place', () => {
    const { client$, accepted, failures } = listener({ authority, maxHandshakes: 3 });
    const silent = Array.from({ length: 10 }, (_, index) => client(`silent ${index}`));
    silent.forEach((one) => client$.next(one));
    const good = client('good');
    client$.next(good);
    good.incoming$.next(new Uint8Array(64));

    expect(accepted.values.map(({ peer }) => peer.address)).toEqual(['good']);
    expect(failures.map(({ address }) => address)).toEqual(silent.slice(0, 8).map(({ address }) => address));
    expect(failures[0]).toMatchObject({
      error: { code: 'too-many-connections', detail: { maxHandshakes: 3 } },
    });
    expect(silent.map(({ events }) => events.length)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
  });

  it('takes maxConnectionsPerAddress of one address, and others still', () => {
    const { client$, accepted, failures } = listener({ maxConnectionsPerAddress: 2 });
    for (const address of ['10.0.0.1:1', '10.0.0.1:2', '10.0.0.1:3', '10.0.0.2:1'])
      client$.next(client(address));

    expect(accepted.values.map(({ peer }) => peer.address)).toEqual([
      '10.0.0.1:1',
      '10.0.0.1:2',
      '10.0.0.2:1',
    ]);
    expect(failures).toMatchObject([
      { address: '10.0.0.1:3', error: { detail: { maxConnectionsPerAddress: 2 } } },
    ]);
  });

  it('makes room among those that say nothing when the system has none', () => {
    const shortage$ = new Subject<void>();
    const client$ = new Subject<ReturnType<typeof client>>();
    const accepted = log(
      client$.pipe(acceptConnections({ authority, scheduler: new VirtualTimeScheduler() }, shortage$)),
    );
    const silent = Array.from({ length: 16 }, () => client());
    silent.forEach((one) => client$.next(one));
    shortage$.next();
    shortage$.next();

    expect(silent.map(({ events }) => events.length)).toEqual([1, 1, 1, 1, ...Array<number>(12).fill(0)]);
    expect(accepted.error).toBeUndefined();
  });

  it('takes five thousand that come at once, the first at once, and drops none', () => {
    const { client$, accepted, failures, scheduler } = listener({ authority, crypto: instantCrypto });
    const miners = Array.from({ length: 5000 }, (_, index) => client(`miner ${index}`));
    miners.forEach((one) => client$.next(one));
    miners.forEach(({ incoming$ }) => incoming$.next(new Uint8Array(64)));
    expect(accepted.values.map(({ peer }) => peer.address)).toEqual(['miner 0']);
    scheduler.flush();

    expect(failures).toEqual([]);
    expect(accepted.values).toHaveLength(5000);
    expect(accepted.values[1]?.peer.address).toBe('miner 4999'); // the newest
  });

  it('does no work for those who have gone while they waited', () => {
    let keys = 0;
    const crypto = {
      ...instantCrypto,
      generateKeyPair() {
        keys += 1;
        return instantCrypto.generateKeyPair();
      },
    };
    const { client$, accepted, scheduler } = listener({ authority, crypto });
    const miners = Array.from({ length: 10 }, (_, index) => client(`${index}`));
    miners.forEach((one) => client$.next(one));
    miners.forEach(({ incoming$ }) => incoming$.next(new Uint8Array(64)));
    const before = keys;
    miners.slice(1, 9).forEach(({ incoming$ }) => incoming$.complete());
    scheduler.flush();

    expect(accepted.values.map(({ peer }) => peer.address)).toEqual(['0', '9']);
    expect(keys - before).toBe(1);
  });

  it('reports a client that fails, and goes on with the others', () => {
    const { client$, accepted, failures, scheduler } = listener({ authority, handshakeTimeout: 100 });
    const [silent, gone, good] = [client('silent'), client('gone'), client('good')];
    client$.next(good);
    client$.next(silent);
    client$.next(gone);
    good.incoming$.next(new Uint8Array(64));
    const received = log(accepted.values[0]!.message$);
    gone.incoming$.complete();
    scheduler.flush();

    expect(failures).toMatchObject([
      { address: 'gone', error: { code: 'peer-closed-during-handshake' } },
      { address: 'silent', error: { code: 'handshake-timeout' } },
    ]);
    expect(silent.events).toEqual(['destroy']);
    expect(good.events).toEqual(['write']);
    expect(received).toMatchObject({ error: undefined, completed: false });
    expect(accepted).toMatchObject({ error: undefined, completed: false });
  });

  it('keeps a violation to the client that committed it', () => {
    const { client$, accepted } = listener();
    const [bad, good] = [client('bad'), client('good')];
    client$.next(bad);
    client$.next(good);
    const [atBad, atGood] = accepted.values.map(({ message$ }) => log(message$));
    bad.incoming$.next(Uint8Array.of(0, 0, 0, 255, 255, 255));
    good.incoming$.next(frames(setTarget(1)));

    expect(atBad?.error).toMatchObject({ code: 'frame-too-large' });
    expect(atGood?.values).toEqual([setTarget(1)]);
    expect(accepted.error).toBeUndefined();
  });

  it('closes everything when it is unsubscribed from', () => {
    const { client$, accepted } = listener({ authority });
    const [connected, halfway] = [client('connected'), client('halfway')];
    client$.next(connected);
    client$.next(halfway);
    connected.incoming$.next(new Uint8Array(64));
    const received = log(accepted.values[0]!.message$);
    accepted.unsubscribe();

    expect(client$.observed).toBe(false);
    expect(connected.events).toEqual(['write', 'end']);
    expect(received.completed).toBe(true);
    expect(halfway.events).toEqual(['destroy']);
  });
});

describe('its options', () => {
  const accept = (options: object) => () => acceptConnections(options);

  it('take keys as bytes or as text', () => {
    const text = {
      publicKey: encodeAuthorityPublicKey(authority.publicKey),
      secretKey: encodeAuthoritySecretKey(authority.secretKey),
    };
    expect(decodeAuthorityPublicKey(text.publicKey)).toEqual(authority.publicKey);
    const { client$, accepted } = listener({ authority: text });
    const one = client();
    client$.next(one);
    one.incoming$.next(new Uint8Array(64));
    expect(accepted.values[0]?.peer.encrypted).toBe(true);
  });

  it('are checked before anything happens', () => {
    const other = generateAuthorityKeyPair(defaultCrypto);
    const mismatch = { publicKey: other.publicKey, secretKey: authority.secretKey };
    expect(accept({ authority: mismatch })).toThrow(
      expect.objectContaining({
        code: 'invalid-option',
        message: 'authority.publicKey does not belong to authority.secretKey',
      }),
    );
    expect(accept({ authority: { ...authority, publicKey: new Uint8Array(31) } })).toThrow(
      expect.objectContaining({
        code: 'invalid-option',
        message: 'authority.publicKey must be 32 bytes or base58check',
      }),
    );
    expect(accept({ authority: { ...authority, secretKey: 'nonsense' } })).toThrow(
      expect.objectContaining({ code: 'authority-key' }),
    );
    expect(accept({ authority, certificateValidity: 0 })).toThrow(
      expect.objectContaining({ code: 'certificate-validity' }),
    );
    for (const option of [
      'maxConnections',
      'maxHandshakes',
      'maxConnectionsPerAddress',
      'maxQueuedBytesInAll',
      'handshakeTimeout',
      'closeTimeout',
      'maxQueuedBytes',
      'maxPayload',
    ]) {
      for (const value of [0, -1, Number.NaN, '5']) {
        expect(accept({ [option]: value })).toThrow(
          expect.objectContaining({ code: 'invalid-option', detail: { option, value } }),
        );
      }
    }
  });

  it('never show a secret key in an error', () => {
    for (const secretKey of [
      encodeAuthoritySecretKey(authority.secretKey) + 'x',
      encodeAuthoritySecretKey(authority.secretKey),
    ]) {
      const other = generateAuthorityKeyPair(defaultCrypto);
      try {
        acceptConnections({ authority: { publicKey: other.publicKey, secretKey } });
      } catch (error) {
        const { message, detail } = error as { message: string; detail: unknown };
        expect(message + JSON.stringify(detail)).not.toContain(secretKey.slice(0, 8));
        continue;
      }
      throw new Error('the keys were accepted');
    }
  });
});
