//! What people are called, region by region. A first name stands once in all of the table: the number of its place is
//! part of what makes a username unique.

use std::sync::LazyLock;

use crate::accounts::Gender;

pub(super) struct Region {
    /// ISO 639.
    pub language: &'static str,
    women: &'static str,
    men: &'static str,
    last: &'static str,
}

impl Region {
    pub(super) fn last_names(&self) -> Vec<&'static str> {
        self.last.split_whitespace().collect()
    }
}

/// Every first name, in its place.
pub(super) static FIRST_NAMES: LazyLock<Vec<(&'static Region, Gender, &'static str)>> = LazyLock::new(|| {
    let of = |region: &'static Region, gender, names: &'static str| {
        names.split_whitespace().map(move |name| (region, gender, name))
    };
    REGIONS
        .iter()
        .flat_map(|region| {
            of(region, Gender::Female, region.women).chain(of(region, Gender::Male, region.men))
        })
        .collect()
});

const REGIONS: &[Region] = &[
    Region {
        language: "hi",
        women: "Aarti Anjali Deepika Ishita Kavita Neha Nidhi Pooja Priya Ritu Sakshi Shreya Sunita \
               Swati Tanvi Vandana",
        men: "Aditya Amit Ankit Deepak Gaurav Manish Mohit Nikhil Pankaj Rahul Rajesh Sandeep \
               Saurabh Sumit Vikas Vivek",
        last: "Agarwal Chauhan Dubey Gupta Jain Mishra Pandey Rajput Saxena Sharma Singh Srivastava \
               Tiwari Tripathi Verma Yadav",
    },
    Region {
        language: "bn",
        women: "Ananya Arpita Debjani Indrani Madhumita Mitali Moumita Paromita Rituparna Sharmistha \
               Sohini Sreemoyee Sudeshna Tanusree",
        men: "Abhijit Anirban Arindam Arnab Debashis Dipankar Joydeep Kaushik Partha Prosenjit \
               Shubhankar Sourav Subhash Tanmoy",
        last: "Banerjee Basu Bhattacharya Bose Chakraborty Chatterjee Das Dasgupta Dutta Ganguly \
               Ghosh Mukherjee Roy Sengupta",
    },
    Region {
        language: "te",
        women: "Anusha Bhargavi Haritha Jyothsna Keerthi Lalitha Lavanya Mounika Padmaja Sravani \
               Srilatha Swapna Tejaswini Vasundhara",
        men: "Charan Harsha Jagadeesh Kalyan Mahesh Nagarjuna Naveen Prabhas Ravi Sai Srinivas Teja \
               Venkat Vamsi",
        last: "Akkineni Chowdary Gadde Kondapalli Naidu Nalluri Pallapothu Prasad Raju Rao Reddy \
               Sastry Varma Yerramilli",
    },
    Region {
        language: "mr",
        women: "Aditi Amruta Ashwini Gauri Ketaki Mrunal Mugdha Pallavi Prajakta Rutuja Sayali \
               Shraddha Sonali Vaishali",
        men: "Aniket Chinmay Ganesh Kedar Mandar Nilesh Omkar Pushkar Rohan Sachin Shantanu Tejas \
               Tushar Yogesh",
        last: "Bhosale Chavan Deshmukh Deshpande Gaikwad Jadhav Joshi Kadam Kale Kulkarni More Patil \
               Pawar Shinde",
    },
    Region {
        language: "ta",
        women: "Abirami Bhuvana Divya Gayathri Janani Kayalvizhi Malarvizhi Meenakshi Nithya Pavithra \
               Revathi Selvi Tamilarasi Thenmozhi",
        men: "Arunkumar Balaji Dinesh Elango Karthik Kumaran Manikandan Murugan Prabhu Rajkumar \
               Saravanan Senthil Surya Vignesh",
        last: "Annamalai Balasubramanian Chidambaram Ganesan Iyer Krishnan Natarajan Pandian Raman \
               Ramasamy Selvaraj Subramaniam Sundaram Velusamy",
    },
    Region {
        language: "gu",
        women: "Bhavna Dhara Falguni Hetal Jalpa Kinjal Komal Krupa Mansi Nirali Parul Rinkal Urvi \
               Zalak",
        men: "Ankur Bhavesh Chirag Darshan Dhaval Hardik Hiren Jignesh Ketan Mitesh Nirav Parth \
               Rutvik Viral",
        last: "Amin Bhatt Chaudhari Dave Desai Gandhi Mehta Modi Panchal Parikh Patel Shah Trivedi \
               Vyas",
    },
    Region {
        language: "ur",
        women: "Afreen Aisha Farzana Fatima Gulnaz Hina Mehjabeen Nasreen Rukhsar Saba Sana Shabnam \
               Yasmin Zoya",
        men: "Adil Arbaaz Faizan Imran Irfan Javed Kashif Mohsin Nadeem Salman Shahid Sohail Wasim \
               Zubair",
        last: "Abbasi Ahmed Akhtar Ansari Baig Farooqui Hussain Khan Mirza Pathan Qureshi Rizvi \
               Sheikh Siddiqui",
    },
    Region {
        language: "kn",
        women: "Bhavani Chaitra Deepa Kavya Mamatha Nayana Nandini Ramya Rashmi Shilpa Sindhu Spoorthi \
               Sushma Vidya",
        men: "Basavaraj Chandan Girish Kiran Lokesh Manjunath Nagaraj Prajwal Praveen Puneeth \
               Raghavendra Santosh Shashank Yathish",
        last: "Acharya Bhat Desai Gowda Hegde Hiremath Kamath Murthy Nayak Pai Rao Shetty Shenoy Urs",
    },
    Region {
        language: "ml",
        women: "Aiswarya Ammu Anju Athira Devika Gopika Jincy Lekshmi Manju Nimisha Parvathy Reshma \
               Sreelakshmi Vineetha",
        men: "Abin Ajith Aneesh Arun Biju Deepu Jithin Libin Midhun Nandakumar Rejith Shaji \
               Unnikrishnan Vishnu",
        last: "Chacko George Jacob Joseph Kurian Kurup Mathew Menon Nair Nambiar Pillai Thomas \
               Varghese Warrier",
    },
    Region {
        language: "pa",
        women: "Amandeep Amrit Balwinder Gurleen Harleen Harpreet Jasleen Kirandeep Manpreet Navjot \
               Rajwinder Ramneek Simran Sukhmani",
        men: "Angad Arshdeep Baljit Gagandeep Gurpreet Harjit Inderjit Jaspreet Jaswinder Karanvir \
               Lovepreet Manjot Parminder Sukhwinder",
        last: "Bajwa Brar Chahal Dhaliwal Dhillon Gill Grewal Kang Mann Randhawa Sandhu Sidhu Sodhi \
               Virk",
    },
    Region {
        language: "or",
        women: "Barsha Bijaya Itishree Jhilik Lopamudra Madhusmita Monalisa Puspanjali Sasmita \
               Subhashree Suchismita Truptimayee",
        men: "Ashutosh Bibhuti Biswajit Debasish Jyotiranjan Manoranjan Pradyumna Pratap \
               Rashmiranjan Satyabrata Soumya Tapan",
        last: "Behera Biswal Dash Jena Mahapatra Mohanty Nanda Panda Pattnaik Pradhan Rout Sahoo",
    },
    Region {
        language: "as",
        women: "Anindita Barasha Dimpi Gitanjali Himakshi Jonali Junmoni Karabi Mayuri Nabanita \
               Pallabi Rimjhim",
        men: "Bhaskar Bikash Dhrubajyoti Himangshu Jintu Kamal Manas Nayanjyoti Pranjal Ranjit Utpal \
               Zubeen",
        last: "Baruah Bhuyan Bora Borthakur Deka Gogoi Hazarika Kalita Konwar Mahanta Phukan Saikia",
    },
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_first_name_stands_once_and_is_plain() {
        let mut seen = HashSet::new();
        for (region, _, name) in FIRST_NAMES.iter() {
            assert!(seen.insert(name.to_lowercase()), "{name} stands twice");
            assert!(name.bytes().all(|b| b.is_ascii_alphabetic()) && name.len() <= 13, "{name}");
            assert!(region.last_names().len() >= 12);
        }
        assert_eq!(seen.len(), 332);
    }
}
