// An AG-UI agent on our transport. It knows nothing but the client rule.

import { AbstractAgent } from '@ag-ui/client';
import { Observable } from 'rxjs';
import { RunEvents } from './run-events.js';

/** A thread of the chatbot; `link` sends messages and applies the client rule to what comes. */
export class ChatAgent extends AbstractAgent {
  constructor({ link, ...config }) {
    super(config);
    this.link = link;
  }

  run({ threadId, messages }) {
    const asked = messages.findLast(({ role }) => role === 'user');
    const events = new RunEvents({ threadId, runId: asked.id, history: messages });
    return new Observable((subscriber) => {
      const leave = this.link.listen((state, actions) => {
        for (const event of events.next(state, actions)) subscriber.next(event);
        if (events.done) subscriber.complete();
      });
      this.link.send(asked).catch((error) => subscriber.error(error));
      return leave;
    });
  }
}
