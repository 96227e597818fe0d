"""What people would use instead, each served as its own documentation recommends, in one small file each."""
