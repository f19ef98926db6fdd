import pytest

pytestmark = pytest.mark.long


def test_pictures_say_what_the_page_says(notebook):
    assert notebook["coefficients"].title_.startswith("2 of 4 features differ between the 65 tasks")
    assert "of 65 tasks and hurts none" in notebook["gains"].title_
    assert 0 < notebook["related"].path.best_relatedness < 1
    assert notebook["path"].names_[0] == "schavg" and len(notebook["path"].names_) == 4
    assert notebook["stable"].frequency_[0] == 1.0
    numbers = notebook["slopes"].frame, notebook["coefficients"].frame
    assert numbers[0].equals(numbers[1])
