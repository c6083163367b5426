import { describe, expect, it } from '@jest/globals';
import { Subject, VirtualTimeScheduler } from 'rxjs';
import { defaultCrypto } from '../../src/crypto/index.js';
import {
  decodeAuthorityPublicKey,
  encodeAuthorityPublicKey,
  encodeAuthoritySecretKey,
  generateAuthorityKeyPair,
} from '../../src/noise/index.js';
import { acceptConnections, type AcceptOptions, type HandshakeFailure } from '../../src/transport/index.js';
import { fakeStream, frames, log, setTarget } from './support.js';

const authority = generateAuthorityKeyPair(defaultCrypto);

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

  it('turns clients away beyond maxConnections, handshakes included, and takes them when others have gone', () => {
    const { client$, accepted, failures } = listener({ authority, maxConnections: 2 });
    const [first, second, surplus, later] = [client('1'), client('2'), client('3'), client('4')];
    client$.next(first);
    first.incoming$.next(new Uint8Array(64)); // connected
    client$.next(second); // in its handshake
    client$.next(surplus);

    expect(surplus.events).toEqual(['destroy']);
    expect(failures).toMatchObject([
      { address: '3', error: { code: 'too-many-connections', detail: { maxConnections: 2 } } },
    ]);
    expect(second.events).toEqual([]);

    second.closed$.complete();
    client$.next(later);
    later.incoming$.next(new Uint8Array(64));
    expect(accepted.values.map(({ peer }) => peer.address)).toEqual(['1', '4']);
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
