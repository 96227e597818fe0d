"""What is special about DICOM on its way in.

What is not one chest film is refused, the patient's identity stays outside, pixels become what a viewer shows.

``reading`` takes the few attributes that are needed, ``refusals`` says what is not one chest film, ``display`` makes
grey levels, ``ages`` and ``remarks`` say what a reader of the answer must know, ``admission`` (the gateway's alone)
makes what is kept.
"""

from cxr.dicom.display import grey_levels
from cxr.dicom.reading import looks_like_dicom
from cxr.dicom.remarks import remarks_in

__all__ = ["grey_levels", "looks_like_dicom", "remarks_in"]
