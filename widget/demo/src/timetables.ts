/** The lessons of a class, by period and then by day. */
export type Timetable = readonly (readonly string[])[];

export const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday'] as const;

/** Invented timetables, by class. */
export const CLASSES: Readonly<Record<string, Timetable>> = {
  '7A': [
    ['English', 'Maths', 'History', 'Maths', 'Art'],
    ['Maths', 'English', 'Science', 'Music', 'Sport'],
    ['Science', 'French', 'English', 'French', 'Maths'],
    ['Sport', 'History', 'Maths', 'Science', 'English'],
  ],
  '7B': [
    ['Maths', 'English', 'French', 'History', 'Maths'],
    ['English', 'Sport', 'Maths', 'Science', 'Music'],
    ['French', 'Science', 'Art', 'English', 'History'],
    ['History', 'Maths', 'Science', 'Sport', 'English'],
  ],
};
