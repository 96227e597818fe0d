"""What is special about DICOM on its way in.

What is not one chest film is refused, the patient's identity stays outside, pixels become what a viewer shows.

``reading`` takes the few attributes that are needed and no others, ``refusals`` says what is not one chest film,
``display`` makes grey levels, ``admission`` makes the file that is kept, ``ages`` judges the patient's age.
"""

from cxr.dicom.admission import Admission, admit
from cxr.dicom.display import grey_levels
from cxr.dicom.reading import looks_like_dicom

__all__ = ["Admission", "admit", "grey_levels", "looks_like_dicom"]
