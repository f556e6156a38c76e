// The engines that faults are tested with: fake hears as the audio comes, fake_whole keeps it and decodes all of it for each
// partial and for the final. They hear the same words, so a test expects the same of both.
import test from 'node:test';
import { fake as settingsOf } from './server.mjs';

export const fakes = ['fake', 'fake_whole'].map((engine) => ({
  engine,
  fake: (more = {}) => settingsOf({ 'pool.en.engine': engine, ...more }),
}));

// A test with each. `body` gets the settings of its engine, as fake() of server.mjs gives them.
export function onFakes(title, options, body) {
  if (body === undefined) return onFakes(title, {}, options);
  for (const { engine, fake } of fakes) test(`${title} (${engine})`, options, (t) => body(fake, t));
}
