import { describe, expect, it } from '@jest/globals';
import { closest } from '../../src/cli/closest.js';

describe('the key that was meant', () => {
  const keys = ['listen_address', 'share_batch_size', 'shares_per_minute', 'server_id'];
  it.each([
    ['share_per_minute', 'shares_per_minute'],
    ['listen_adress', 'listen_address'],
    ['listening_address', 'listen_address'],
    ['serverid', 'server_id'],
    ['server_id', 'server_id'],
  ])('for %s is %s', (word, meant) => {
    expect(closest(word, keys)).toBe(meant);
  });

  it.each(['monitoring_port', '', 'id', 'x'.repeat(1000)])('for %j is not known', (word) => {
    expect(closest(word, keys)).toBeUndefined();
  });
});
