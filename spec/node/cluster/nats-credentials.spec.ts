import { describe, expect, it } from '@jest/globals';
import { nkeys } from '@nats-io/transport-node';
import { natsCredentials } from '../../../src/node/cluster/nats-credentials.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const seed = new TextDecoder().decode(nkeys.createUser().getSeed());
const jwt = `${Buffer.from('{"typ":"JWT"}').toString('base64url')}.e30.c2ln`;

describe('credentials for NATS', () => {
  it.each([
    [
      'as nsc writes them',
      `-----BEGIN NATS USER JWT-----\n${jwt}\n------END NATS USER JWT------\n\n************************* IMPORTANT *************************\n-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`,
      jwt,
    ],
    [
      'with the ends of lines of Windows, and none after the last',
      `-----BEGIN NATS USER JWT-----\r\n${jwt}\r\n------END NATS USER JWT------\r\n-----BEGIN USER NKEY SEED-----\r\n${seed}\r\n------END USER NKEY SEED------`,
      jwt,
    ],
    ['of an NKey user', `${seed}\n`, undefined],
  ])('are read %s', (_, text, expected) => {
    const { jwt: own, seed: ownSeed } = natsCredentials(bytes(text));
    expect([own, new TextDecoder().decode(ownSeed)]).toEqual([expected, seed]);
  });

  it.each(['', 'jwt and seed', jwt, seed.slice(0, -1), seed.toLowerCase(), `X${seed}`])(
    'are refused when there is no seed, without what is in them: %j',
    (text) => {
      const refused = (() => {
        try {
          return natsCredentials(bytes(text));
        } catch (error) {
          return error as Error;
        }
      })();
      expect(refused).toMatchObject({
        code: 'invalid-cluster-credentials',
        message: expect.stringMatching(/^expected a user's JWT and seed as nsc writes them/),
      });
      if (text !== '') expect(JSON.stringify([refused, (refused as Error).message])).not.toContain(text);
    },
  );
});
