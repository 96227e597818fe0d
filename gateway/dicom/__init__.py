"""DICOM on its way out, and the DICOM door: results that refer to the film they were made of, a storage SCP and SCU."""
