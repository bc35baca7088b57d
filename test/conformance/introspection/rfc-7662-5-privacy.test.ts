import {describe, expect, it} from 'vitest';
import {holdSession} from '../../support/server/sessions.ts';
import {someone} from '../../support/server/auth-server.ts';
import {gatewayServer, introspect} from '../support/gateway.ts';

const server = await gatewayServer();

describe('RFC 7662 5: an answer holds what decides about the token, and nothing else about the person', () => {
  it.each(['access', 'refresh'] as const)('of a token for %s', async (kind) => {
    const subject = someone();
    const email = `${subject}@example.com`;
    const held = await holdSession(server, {subject, email, name: 'Ada Lovelace'});
    const told = (await introspect(held[kind])) as Record<string, unknown>;
    expect(told).toMatchObject({active: true, sub: held.userId});
    for (const name of ['username', 'email', 'name', 'provider']) expect(told).not.toHaveProperty(name);
    for (const secret of [subject, 'Ada', held.refresh]) expect(JSON.stringify(told)).not.toContain(secret);
  });
});
