"""What must hold before real people are texted: looked at, said in a sentence each, with how to mend it."""
