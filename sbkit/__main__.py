"""`python -m sbkit`: is this machine ready for the course?"""

from sbkit.course import self_check

if __name__ == "__main__":
    print(self_check())
