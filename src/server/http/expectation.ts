import type {FastifyInstance} from 'fastify';
import {AuthError} from '../../support/errors.ts';

/**
 * An expectation other than `100-continue` (RFC 9110, section 10.1.1) is refused in the shape of the other errors. Node would
 * answer it by itself, with a status and nothing else, and no route, log or metric would hear of it.
 */
export function refuseExpectations(app: FastifyInstance): void {
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
  app.addHook('onRequest', ({headers, raw}, reply, done) => {
    const {expect} = headers;
    // HTTP/1.0 has no expectations.
    if (expect === undefined || raw.httpVersion === '1.0' || /^100-continue$/i.test(expect)) return done();
    // Whether the body follows is the client's to decide, and not known here.
    void reply.header('connection', 'close');
    done(
      new AuthError('invalid_request', 'an expectation that is not known', {
        status: 417,
        message: 'Expect must be 100-continue, or be left out',
      }),
    );
  });
}
