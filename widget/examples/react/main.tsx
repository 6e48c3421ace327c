import { Chatbot } from '@learning-yogi/ai-chatbot';
import { createRoot } from 'react-dom/client';

const apiUrl = 'http://127.0.0.1:8080';

createRoot(document.getElementById('root')!).render(
  <>
    <h1>Timetable</h1>
    <Chatbot apiUrl={apiUrl} position="bottom-right" />
  </>,
);
