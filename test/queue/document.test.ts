// docs/queue.md and what lies beside it: its lines name flags that there are, its rights are those that the tests use.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { document } from '../docs/documents.js';
import { snippetTests } from '../docs/snippets.js';

test('the rights of a user are those under which the tests work', () => {
  const tested = /USER = 'user denoise on >secret (.*)'/.exec(
    document('test/queue/outage.slow.test.ts'),
  )?.[1];
  assert.ok(tested);
  assert.ok(document('docs/queue.md').includes(`\`${tested}\``), tested);
});

test('the scaler looks at the lists of the queue', () => {
  const text = document('examples/queue/kubernetes.yaml');
  assert.match(text, 'listName: "bull:pictures:wait"');
  assert.match(text, 'listName: "bull:pictures:active"');
});

test.run();

snippetTests('docs/queue.md');
