import { describe, expect, it } from '@jest/globals';
import { natsBus, natsServers } from '../../../src/node/cluster/nats.js';

describe("a cluster's URL", () => {
  it('names servers, and who we are to them', () => {
    expect(natsServers('nats://localhost')).toEqual({ servers: ['localhost:4222'], isEncrypted: false });
    expect(natsServers('tls://a:1,b,[::1]:80')).toEqual({
      servers: ['a:1', 'b:4222', '[::1]:80'],
      isEncrypted: true,
    });
    expect(natsServers('nats://al%40ice:p%3Ass@host:80')).toEqual({
      servers: ['host:80'],
      isEncrypted: false,
      user: 'al@ice',
      pass: 'p:ss',
    });
    expect(natsServers('nats://s3cret@host')).toMatchObject({ token: 's3cret' });
  });

  it.each([
    '',
    'http://host',
    'nats://',
    'nats://a,',
    'nats://h:99999',
    'nats://u:s3cret@h/x',
    'nats://a,u:s3cret@b',
  ])('is refused, without what may be a secret: %j', (url) => {
    const refused = (() => {
      try {
        return natsServers(url);
      } catch (error) {
        return error as Error;
      }
    })();
    expect(refused).toMatchObject({ code: 'invalid-cluster-url' });
    expect(JSON.stringify([refused, (refused as Error).message])).not.toContain('s3cret');
  });

  it('is told without the password when nobody is there', async () => {
    const refused = await natsBus('nats://user:s3cret@127.0.0.1:1').catch((error: unknown) => error as Error);
    expect(refused).toMatchObject({ code: 'cluster-unavailable' });
    expect((refused as Error).message).toMatch(/^cannot connect to NATS at 127\.0\.0\.1:1: /);
    expect(JSON.stringify([refused, (refused as Error).message])).not.toContain('s3cret');
  });
});
