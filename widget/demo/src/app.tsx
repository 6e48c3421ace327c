import { useState } from 'react';
import { Chatbot } from '../../src/react/index.js';
import { CLASSES, DAYS, type Timetable } from './timetables.js';

const apiUrl = import.meta.env.VITE_CHATBOT_API_URL ?? 'http://127.0.0.1:8080';

const SUGGESTIONS = [
  'What does class 7B have on Tuesday in period 3?',
  'When is the next Maths lesson?',
];

/** A sample timetable app with the chat window in its corner. */
export function App() {
  const [name, setName] = useState('7B');
  return (
    <>
      <header>
        <h1>Riverside School</h1>
        <label>
          Class{' '}
          <select value={name} onChange={(event) => setName(event.target.value)}>
            {Object.keys(CLASSES).map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
      </header>
      <main>
        <Week name={name} timetable={CLASSES[name]!} />
      </main>
      <Chatbot
        apiUrl={apiUrl}
        position="bottom-right"
        heading="Timetable assistant"
        suggestions={SUGGESTIONS}
        documents
      />
    </>
  );
}

function Week({ name, timetable }: { name: string; timetable: Timetable }) {
  return (
    <table>
      <caption>Week of class {name}</caption>
      <thead>
        <tr>
          <th scope="col">Period</th>
          {DAYS.map((day) => (
            <th key={day} scope="col">
              {day}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {timetable.map((lessons, period) => (
          <tr key={period}>
            <th scope="row">{period + 1}</th>
            {lessons.map((lesson, day) => (
              <td key={day}>{lesson}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
